using System.Data;
using Microsoft.Data.Sqlite;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace PhotosInSqlite;

/// <summary>A table of photos: id, part (train or test), label, and the bytes of a file as BLOB.</summary>
internal static class PhotoDatabase
{
    public static void Create(string path, IEnumerable<(string Part, string Label, byte[] File)> photos)
    {
        using var connection = new SqliteConnection(ConnectionTo(path));
        connection.Open();
        using var transaction = connection.BeginTransaction();
        using var command = connection.CreateCommand();
        command.CommandText = "CREATE TABLE photos (id INTEGER PRIMARY KEY, part TEXT NOT NULL, label TEXT NOT NULL, photo BLOB)";
        command.ExecuteNonQuery();
        command.CommandText = "INSERT INTO photos (part, label, photo) VALUES ($part, $label, $photo)";
        SqliteParameter part = command.Parameters.Add("$part", SqliteType.Text), label = command.Parameters.Add("$label", SqliteType.Text),
        photo = command.Parameters.Add("$photo", SqliteType.Blob);
        foreach (var row in photos)
        {
            (part.Value, label.Value, photo.Value) = (row.Part, row.Label, row.File);
            command.ExecuteNonQuery();
        }
        transaction.Commit();
    }

    /// <summary>The columns Label and Photo (a vector of Byte). Rows are streamed when the trainer reads them.</summary>
    /// <remarks>
    /// ML.NET's database loader has no binary columns, so that the query converts the bytes to text: <c>hex</c> here and in MySQL,
    /// <c>encode(photo, 'hex')</c> in PostgreSQL, <c>CONVERT(varchar(max), photo, 2)</c> in SQL Server.
    /// </remarks>
    public static IDataView Load(MLContext ml, string path, string part)
    {
        var loader = ml.Data.CreateDatabaseLoader(
            new DatabaseLoader.Column("Label", DbType.String, 0), new DatabaseLoader.Column("Hex", DbType.String, 1));
        var rows =
            loader.Load(
                new DatabaseSource(SqliteFactory.Instance, ConnectionTo(path),
                $"SELECT label, ifnull(hex(photo), '') FROM photos WHERE part = '{part}' ORDER BY id"));
        return ml.Transforms.CustomMapping<HexadecimalPhoto, PhotoBytes>(
            (from, to) => to.Photo = Convert.FromHexString(from.Hex), contractName: null)
            .Append(ml.Transforms.SelectColumns("Label", nameof(PhotoBytes.Photo)))
            .Fit(rows).Transform(rows);
    }

    // Without pooling the file is closed after the last row.
    private static string ConnectionTo(string path) => new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString();

    private sealed class HexadecimalPhoto
    {
        public string Hex { get; set; } = "";
    }

    private sealed class PhotoBytes
    {
        public byte[] Photo { get; set; } = [];
    }
}
