using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;

namespace PhotoDesk;

/// <summary>The SQLite file. Connections come from a pool: open one for each piece of work.</summary>
internal sealed class Database(IOptions<PhotoDeskOptions> options)
{
    private readonly string _connection = new SqliteConnectionStringBuilder
    {
        DataSource = Path.Combine(options.Value.DataFolder, "photodesk.db"),
        ForeignKeys = true,
        DefaultTimeout = 30, // seconds that a writer waits for another
    }.ToString();

    /// <summary>Caller disposes.</summary>
    public SqliteConnection Open()
    {
        var connection = new SqliteConnection(_connection);
        connection.Open();
        // In WAL mode a kill loses no commit, and a power cut at most the last ones: never the file.
        connection.Execute("PRAGMA synchronous = NORMAL");
        return connection;
    }

    /// <summary>Once, before everything else: readers and a writer do not block each other in WAL mode,
    /// which stays with the file.</summary>
    public void Prepare()
    {
        using var connection = Open();
        connection.Execute("PRAGMA journal_mode = WAL");
        Migrations.Apply(connection, Migrations.Scripts);
    }

    /// <summary>Lets go of the file.</summary>
    public void Close()
    {
        using var connection = new SqliteConnection(_connection);
        SqliteConnection.ClearPool(connection);
    }
}
