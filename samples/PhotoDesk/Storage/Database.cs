using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;

namespace PhotoDesk;

/// <summary>The SQLite file. Connections are pooled: open one per operation.</summary>
internal sealed class Database(IOptions<PhotoDeskOptions> options)
{
    private readonly string _connection = new SqliteConnectionStringBuilder
    {
        DataSource = Path.Combine(options.Value.DataFolder, "photodesk.db"),
        ForeignKeys = true,
        DefaultTimeout = 30, // seconds that a writer waits for the lock
    }.ToString();

    /// <summary>The caller disposes the connection.</summary>
    public SqliteConnection Open()
    {
        var connection = new SqliteConnection(_connection);
        connection.Open();
        // In WAL mode a killed process loses no commit; a power failure may lose the last ones but does not damage the file.
        connection.Execute("PRAGMA synchronous = NORMAL");
        return connection;
    }

    /// <summary>
    /// Called once at startup: sets WAL mode, in which readers and a writer do not block each other, persistently for the file.
    /// </summary>
    public void Prepare()
    {
        using var connection = Open();
        connection.Execute("PRAGMA journal_mode = WAL");
        Migrations.Apply(connection, Migrations.Scripts);
    }

    /// <summary>Closes the file.</summary>
    public void Close()
    {
        using var connection = new SqliteConnection(_connection);
        SqliteConnection.ClearPool(connection);
    }
}
