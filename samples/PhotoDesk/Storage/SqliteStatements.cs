using Microsoft.Data.Sqlite;

namespace PhotoDesk;

/// <summary>Helpers for SQL statements. Values are passed as parameters, never as text.</summary>
internal static class SqliteStatements
{
    /// <returns>Number of changed rows.</returns>
    public static int Execute(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var command = Command(connection, sql, values);
        return command.ExecuteNonQuery();
    }

    /// <returns>The first column of the first row; null if there is none or it is NULL.</returns>
    public static T? Scalar<T>(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var command = Command(connection, sql, values);
        return command.ExecuteScalar() is { } value and not DBNull ? (T)value : default;
    }

    public static List<T> Query<T>(
        this SqliteConnection connection, Func<SqliteDataReader, T> read, string sql,
        params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var command = Command(connection, sql, values);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
            rows.Add(read(reader));
        return rows;
    }

    /// <summary>The caller disposes the command.</summary>
    public static SqliteCommand Command(SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in values)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }

    public static T? Nullable<T>(this SqliteDataReader reader, string column) =>
        reader[column] is var value and not DBNull ? (T)value : default;

    public static DateTimeOffset Time(this SqliteDataReader reader, string column) =>
        DateTimeOffset.FromUnixTimeMilliseconds((long)reader[column]);

    public static DateTimeOffset? NullableTime(this SqliteDataReader reader, string column) => reader[column] is long time
        ? DateTimeOffset.FromUnixTimeMilliseconds(time)
        : null;
}
