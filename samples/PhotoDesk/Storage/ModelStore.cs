using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;

namespace PhotoDesk;

/// <summary>Models, and which of them is served. A row is written after its file is complete, so that every row has a file.</summary>
internal sealed class ModelStore(Database database, IOptions<PhotoDeskOptions> options, TimeProvider time)
{
    // Activations that were not undone, of models that have a file.
    private const string Valid = "undone_at IS NULL AND model_id NOT IN (SELECT id FROM models WHERE deleted_at IS NOT NULL)";

    private const string Served = $"SELECT model_id FROM activations WHERE {Valid} ORDER BY id DESC LIMIT 1";

    // The activation that a roll-back goes to: the last one of another model.
    private const string Earlier = $"SELECT max(id) FROM activations WHERE {Valid} AND model_id <> ({Served})";

    private const string Previous = $"SELECT model_id FROM activations WHERE id = ({Earlier})";

    private const string Listed = $"""
        SELECT *, id = ({Served}) AS active, id = ({Previous}) AS previous FROM models WHERE deleted_at IS NULL
        """;

    private const string Prefix = "model-";

    private readonly string _folder = Path.GetFullPath(Path.Combine(options.Value.DataFolder, "models"));

    public string PathOf(long id) => Path.Combine(_folder, $"{Prefix}{id}.zip");

    /// <summary>The model whose file this is.</summary>
    public static long IdOf(string path) =>
        long.Parse(Path.GetFileNameWithoutExtension(path).AsSpan(Prefix.Length), CultureInfo.InvariantCulture);

    public ModelInfo Active
    {
        get
        {
            using var connection = database.Open();
            return connection.Query(Read, $"{Listed} AND id = ({Served})").Single();
        }
    }

    /// <summary>The newest first.</summary>
    public IReadOnlyList<ModelInfo> List()
    {
        using var connection = database.Open();
        return connection.Query(Read, $"{Listed} ORDER BY id DESC");
    }

    public ModelInfo? Find(long id)
    {
        using var connection = database.Open();
        return connection.Query(Read, $"{Listed} AND id = $id", ("$id", id)).SingleOrDefault();
    }

    /// <summary>The target of a roll-back; null if there is none.</summary>
    public long? PreviousId()
    {
        using var connection = database.Open();
        return connection.Scalar<long?>(Previous);
    }

    /// <summary>The id of the next model. Only one training at a time creates models.</summary>
    public long NextId()
    {
        using var connection = database.Open();
        return connection.Scalar<long>("SELECT ifnull(max(id), 0) + 1 FROM models");
    }

    /// <param name="connection">Connection with the surrounding transaction.</param>
    /// <param name="id">Id of the model, whose file exists.</param>
    /// <param name="trainingId">Its training.</param>
    /// <param name="quality">Metrics on the held-out photos.</param>
    /// <param name="corrections">Number of labelled photos in its training.</param>
    public void Add(SqliteConnection connection, long id, long? trainingId, Quality quality, int corrections) => connection.Execute(
        "INSERT INTO models (id, created_at, training_id, accuracy, f1, held_out, corrections) VALUES ($id, $now, $training, $accuracy, "
            + "$f1, $heldOut, $corrections)",
        ("$id", id), ("$now", Now), ("$training", trainingId), ("$accuracy", quality.Accuracy), ("$f1", quality.F1),
        ("$heldOut", quality.HeldOut), ("$corrections", corrections));

    /// <summary>Marks a model as served, also after a restart.</summary>
    public void Activate(long id)
    {
        using var connection = database.Open();
        Activate(connection, id);
    }

    public void Activate(SqliteConnection connection, long id) =>
        connection.Execute($"INSERT INTO activations (model_id, activated_at) SELECT $id, $now WHERE $id IS NOT ({Served})", ("$id", id),
            ("$now", Now));

    /// <summary>Reverts the last activation.</summary>
    public void RollBack()
    {
        using var connection = database.Open();
        connection.Execute($"UPDATE activations SET undone_at = $now WHERE undone_at IS NULL AND id > ({Earlier})", ("$now", Now));
    }

    /// <summary>
    /// Marks as deleted the models that are neither among the newest nor young, except the one that is served, the one that a roll-back
    /// goes to, and the one from which an unfinished training continues. Their rows stay, because photos name the model that has answered.
    /// </summary>
    /// <param name="newest">Number of the newest models that stay.</param>
    /// <param name="before">Models from this time on stay.</param>
    /// <returns>All deleted models, also those of earlier calls.</returns>
    public IReadOnlyList<long> MarkOld(int newest, DateTimeOffset before)
    {
        using var connection = database.Open();
        using var transaction = connection.BeginTransaction();
        connection.Execute(
            $"""
            UPDATE models SET deleted_at = $now WHERE deleted_at IS NULL AND created_at < $before
            AND id NOT IN (SELECT id FROM models WHERE deleted_at IS NULL ORDER BY id DESC LIMIT $newest)
            AND id IS NOT ({Served}) AND id IS NOT ({Previous})
            AND id NOT IN (SELECT base_model_id FROM trainings WHERE {TrainingStore.Unfinished})
            """,
            ("$now", Now), ("$before", before.ToUnixTimeMilliseconds()), ("$newest", newest));
        connection.Execute("DELETE FROM judgements WHERE model_id IN (SELECT id FROM models WHERE deleted_at IS NOT NULL)");
        var deleted = connection.Query(reader => reader.GetInt64(0), "SELECT id FROM models WHERE deleted_at IS NOT NULL");
        transaction.Commit();
        return deleted;
    }

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    private static ModelInfo Read(SqliteDataReader reader) => new(
        (long)reader["id"], reader.Time("created_at"), reader["active"] is 1L, reader["previous"] is 1L, reader["training_id"] as long?,
        (double)reader["accuracy"], (double)reader["f1"], (int)(long)reader["held_out"], (int)(long)reader["corrections"]);
}
