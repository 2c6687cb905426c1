using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;

namespace PhotoDesk;

/// <summary>Models, and which of them is served. A row is written after its file is complete, so that every row has a file.</summary>
internal sealed class ModelStore(Database database, IOptions<PhotoDeskOptions> options, TimeProvider time)
{
    private const string Standing = "SELECT model_id FROM activations WHERE undone_at IS NULL ORDER BY id DESC LIMIT 1";

    private const string Listed = $"""
        SELECT *, id = ({Standing}) AS active, id = ({Standing} OFFSET 1) AS previous FROM models
        """;

    private readonly string _folder = Path.Combine(options.Value.DataFolder, "models");

    public string PathOf(long id) => Path.Combine(_folder, $"model-{id}.zip");

    public ModelInfo Active
    {
        get
        {
            using var connection = database.Open();
            return connection.Query(Read, $"{Listed} WHERE id = ({Standing})").Single();
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
        return connection.Query(Read, $"{Listed} WHERE id = $id", ("$id", id)).SingleOrDefault();
    }

    /// <summary>The target of a roll-back; null if there is none.</summary>
    public long? PreviousId()
    {
        using var connection = database.Open();
        return connection.Scalar<long?>($"{Standing} OFFSET 1");
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
        connection.Execute($"INSERT INTO activations (model_id, activated_at) SELECT $id, $now WHERE $id IS NOT ({Standing})", ("$id", id),
            ("$now", Now));

    /// <summary>Reverts the last activation.</summary>
    public void RollBack()
    {
        using var connection = database.Open();
        connection.Execute("UPDATE activations SET undone_at = $now WHERE id = (SELECT max(id) FROM activations WHERE undone_at IS NULL)",
            ("$now", Now));
    }

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    private static ModelInfo Read(SqliteDataReader reader) => new(
        (long)reader["id"], reader.Time("created_at"), reader["active"] is 1L, reader["previous"] is 1L, reader["training_id"] as long?,
        (double)reader["accuracy"], (double)reader["f1"], (int)(long)reader["held_out"], (int)(long)reader["corrections"]);
}
