using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace PhotoDesk;

/// <summary>Photos, their files and their labels.</summary>
internal sealed class PhotoStore(Database database, TimeProvider time)
{
    /// <summary>The columns that <see cref="Read"/> reads, in its order.</summary>
    public const string Columns = "id, name, added_at, model_id, predicted_label, probabilities, rejected, label";

    /// <summary>Adds all photos of an upload in one transaction.</summary>
    public IReadOnlyList<Photo> Add(IEnumerable<NewPhoto> photos)
    {
        using var connection = database.Open();
        using var transaction = connection.BeginTransaction();
        List<Photo> added = [.. photos.Select(photo => Add(connection, photo))];
        transaction.Commit();
        return added;
    }

    /// <summary>Adds the embedded pictures at the first start.</summary>
    public void AddEmbedded(IEnumerable<(string Label, string Name, byte[] Content)> pictures)
    {
        using var connection = database.Open();
        using var transaction = connection.BeginTransaction();
        foreach (var (label, name, content) in pictures)
        {
            var hash = PhotoSides.HashOf(content);
            var id = connection.Scalar<long>(
                "INSERT INTO photos (name, added_at, origin, media_type, hash, side, label) VALUES ($name, $now, 'embedded', 'image/jpeg', "
                    + "$hash, $side, $label) RETURNING id",
                ("$name", name), ("$now", Now), ("$hash", hash), ("$side", $"{PhotoSides.Of(hash)}"), ("$label", label));
            AddFile(connection, id, content, thumbnail: content); // they are small
        }
        transaction.Commit();
    }

    public bool HasEmbedded()
    {
        using var connection = database.Open();
        return connection.Scalar<long>("SELECT EXISTS (SELECT 1 FROM photos WHERE origin = 'embedded')") == 1;
    }

    /// <summary>The newest first.</summary>
    public PhotoPage List(int skip, int take)
    {
        using var connection = database.Open();
        return new PhotoPage(
            connection.Scalar<long>("SELECT count(*) FROM photos WHERE origin = 'upload'"),
            connection.Query(Read, $"SELECT {Columns} FROM photos WHERE origin = 'upload' ORDER BY id DESC LIMIT $take OFFSET $skip",
                ("$take", take), ("$skip", skip)));
    }

    /// <summary>Streams all photos, the oldest first.</summary>
    public IEnumerable<Photo> All()
    {
        using var connection = database.Open();
        using var command = SqliteStatements.Command(connection, $"SELECT {Columns} FROM photos WHERE origin = 'upload' ORDER BY id");
        using var reader = command.ExecuteReader();
        while (reader.Read())
            yield return Read(reader);
    }

    public Photo? Find(long id)
    {
        using var connection = database.Open();
        return connection.Query(Read, $"SELECT {Columns} FROM photos WHERE origin = 'upload' AND id = $id", ("$id", id)).SingleOrDefault();
    }

    /// <summary>Content of a photo or embedded picture.</summary>
    public PictureFile? Content(long id) => File("content, media_type", id);

    public PictureFile? ThumbnailOf(long id) => File("thumbnail, 'image/jpeg'", id);

    /// <param name="id">Id of an uploaded photo.</param>
    /// <param name="label">The label; null removes it.</param>
    /// <returns>Null if there is no such photo.</returns>
    public Photo? SetLabel(long id, string? label)
    {
        using var connection = database.Open();
        return connection.Query(
            Read, $"UPDATE photos SET label = $label, labelled_at = CASE WHEN $label IS NULL THEN NULL ELSE $now END WHERE origin = "
                + $"'upload' AND id = $id RETURNING {Columns}",
            ("$label", label), ("$now", Now), ("$id", id)).SingleOrDefault();
    }

    public Deletion Delete(long id)
    {
        using var connection = database.Open();
        try
        {
            return connection.Execute("DELETE FROM photos WHERE origin = 'upload' AND id = $id", ("$id", id)) == 1
                ? Deletion.Done
                : Deletion.NotFound;
        }
        catch (SqliteException e) when (e.SqliteErrorCode == SQLitePCL.raw.SQLITE_CONSTRAINT)
        {
            return Deletion.InUse; // training_rows refers to it
        }
    }

    public long CountLabelled()
    {
        using var connection = database.Open();
        return connection.Scalar<long>("SELECT count(*) FROM photos WHERE origin = 'upload' AND label IS NOT NULL");
    }

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    private Photo Add(SqliteConnection connection, NewPhoto photo)
    {
        var hash = PhotoSides.HashOf(photo.Content);
        var added = connection.Query(
            Read,
            $"""
            INSERT INTO photos (name, added_at, origin, media_type, hash, side, model_id, predicted_label, probabilities, rejected)
            VALUES ($name, $now, 'upload', $type, $hash, $side, $model, $predicted, $probabilities, $rejected) RETURNING {Columns}
            """,
            ("$name", photo.Name), ("$now", Now), ("$type", photo.MediaType), ("$hash", hash), ("$side", $"{PhotoSides.Of(hash)}"),
            ("$model", photo.Opinion.ModelId),
            ("$predicted", photo.Opinion.Label), ("$probabilities", JsonSerializer.Serialize(photo.Opinion.Probabilities)),
            ("$rejected", photo.Opinion.Rejected)).Single();
        AddFile(connection, added.Id, photo.Content, photo.Thumbnail);
        return added;
    }

    private static void AddFile(SqliteConnection connection, long id, byte[] content, byte[] thumbnail) =>
        connection.Execute("INSERT INTO files (photo_id, content, thumbnail) VALUES ($id, $content, $thumbnail)", ("$id", id),
            ("$content", content), ("$thumbnail", thumbnail));

    private PictureFile? File(string columns, long id)
    {
        using var connection = database.Open();
        return connection.Query(
            reader => new PictureFile(reader.GetFieldValue<byte[]>(0), reader.GetString(1)),
            $"SELECT {columns} FROM files JOIN photos ON photos.id = photo_id WHERE photo_id = $id", ("$id", id)).SingleOrDefault();
    }

    /// <summary>Reads a row of <see cref="Columns"/>.</summary>
    public static Photo Read(SqliteDataReader reader) => new(
        reader.GetInt64(0), reader.GetString(1), DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(2)), reader.GetInt64(3),
        reader.GetString(4),
        JsonSerializer.Deserialize<ClassProbability[]>(reader.GetString(5))!, reader.GetBoolean(6),
        reader.IsDBNull(7) ? null : reader.GetString(7));
}

/// <summary>A scored photo to be stored.</summary>
internal sealed record NewPhoto(string Name, string MediaType, byte[] Content, byte[] Thumbnail, Opinion Opinion);

internal enum Deletion
{
    Done,
    NotFound,

    /// <summary>A running training uses it.</summary>
    InUse,
}
