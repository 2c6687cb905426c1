using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace PhotoDesk;

/// <summary>Trainings and their photos. A database constraint ensures that at most one is active.</summary>
internal sealed class TrainingStore(Database database, TimeProvider time)
{
    public const string Unfinished = "state IN ('Queued', 'Running', 'Stopping')";

    /// <summary>Stores a training with the current photos and labels.</summary>
    /// <returns>Null if another training is active.</returns>
    public Training? Add(long baseModelId, TrainingSettings settings)
    {
        using var connection = database.Open();
        using var transaction = connection.BeginTransaction();
        if (connection.Scalar<long>($"SELECT EXISTS (SELECT 1 FROM trainings WHERE {Unfinished})") == 1)
            return null;
        var added = connection.Query(
            Read, "INSERT INTO trainings (state, created_at, base_model_id, epochs, settings) VALUES ('Queued', $now, $base, $epochs, "
                + "$settings) RETURNING *",
            ("$now", Now), ("$base", baseModelId), ("$epochs", settings.Epochs),
            ("$settings", JsonSerializer.Serialize(settings))).Single();
        connection.Execute($"INSERT INTO training_rows (training_id, photo_id, label) SELECT $id, id, "
            + $"label FROM labelled WHERE side <> '{PhotoSide.HeldOut}'", ("$id", added.Id));
        transaction.Commit();
        return added;
    }

    public Training? Latest()
    {
        using var connection = database.Open();
        return connection.Query(Read, "SELECT * FROM trainings ORDER BY id DESC LIMIT 1").SingleOrDefault();
    }

    /// <summary>Marks the active training as running and increments its number of starts; null if there is none.</summary>
    public TrainingOrder? Start()
    {
        using var connection = database.Open();
        return connection.Query(
            reader => new TrainingOrder(
                (long)reader["id"], (long)reader["base_model_id"],
                JsonSerializer.Deserialize<TrainingSettings>((string)reader["settings"])!, (int)(long)reader["starts"],
                reader["state"] is "Stopping"),
            $"UPDATE trainings SET state = CASE state WHEN 'Queued' THEN 'Running' ELSE state END, "
                + $"starts = starts + 1 WHERE {Unfinished} RETURNING *").SingleOrDefault();
    }

    /// <summary>Streams its photos in a fixed order.</summary>
    public IEnumerable<LabelledRow> Rows(long id, PhotoSide side, float correctionWeight)
    {
        using var connection = database.Open();
        using var command = SqliteStatements.Command(
            connection,
            """
            SELECT training_rows.label, content, origin FROM training_rows JOIN photos ON photos.id = training_rows.photo_id
            JOIN files ON files.photo_id = photos.id
            WHERE training_id = $id AND side = $side ORDER BY training_rows.photo_id
            """,
            ("$id", id), ("$side", $"{side}"));
        using var reader = command.ExecuteReader();
        while (reader.Read())
            yield return new LabelledRow
            {
                Label = reader.GetString(0),
                Photo = reader.GetFieldValue<byte[]>(1),
                Weight = reader.GetString(2) == "upload"
                    ? correctionWeight
                    : 1
            };
    }

    public int CountCorrections(long id)
    {
        using var connection = database.Open();
        return (int)connection.Scalar<long>(
            "SELECT count(*) FROM training_rows JOIN photos ON photos.id = photo_id WHERE training_id = $id AND origin = 'upload'",
            ("$id", id));
    }

    /// <summary>Stores the progress after an epoch.</summary>
    public void Keep(Training training)
    {
        using var connection = database.Open();
        connection.Execute(
            "UPDATE trainings SET epoch = $epoch, history = $history WHERE id = $id",
            ("$epoch", training.Epoch), ("$history", JsonSerializer.Serialize(training.History)), ("$id", training.Id));
    }

    /// <returns>False if it has ended.</returns>
    public bool AskToStop(long id)
    {
        using var connection = database.Open();
        return connection.Execute($"UPDATE trainings SET state = 'Stopping' WHERE id = $id AND {Unfinished}", ("$id", id)) == 1;
    }

    /// <summary>Called at a regular shutdown, which does not count as a failed start.</summary>
    public void Pause(long id)
    {
        using var connection = database.Open();
        connection.Execute("UPDATE trainings SET starts = starts - 1 WHERE id = $id", ("$id", id));
    }

    /// <summary>Ends a training without a model.</summary>
    public void End(long id, TrainingState state, string message)
    {
        using var connection = database.Open();
        using var transaction = connection.BeginTransaction();
        End(connection, id, state, message, modelId: null);
        transaction.Commit();
    }

    /// <param name="connection">Of the transaction that it is a part of.</param>
    /// <param name="id">The training.</param>
    /// <param name="state">A final state.</param>
    /// <param name="message">Message for the user.</param>
    /// <param name="modelId">Its model, or null.</param>
    public void End(SqliteConnection connection, long id, TrainingState state, string message, long? modelId)
    {
        connection.Execute(
            "UPDATE trainings SET state = $state, ended_at = $now, message = $message, model_id = $model WHERE id = $id",
            ("$state", $"{state}"), ("$now", Now), ("$message", message), ("$model", modelId), ("$id", id));
        connection.Execute("DELETE FROM training_rows WHERE training_id = $id", ("$id", id)); // its photos can be deleted from now on
    }

    /// <summary>Ended trainings that are neither among the newest nor young, and whose model, if there is one, was deleted.</summary>
    /// <param name="newest">Number of the newest trainings that stay.</param>
    /// <param name="before">Trainings from this time on stay.</param>
    public IReadOnlyList<long> Old(int newest, DateTimeOffset before)
    {
        using var connection = database.Open();
        return connection.Query(
            reader => reader.GetInt64(0),
            $"""
            SELECT id FROM trainings WHERE NOT {Unfinished} AND created_at < $before
            AND id NOT IN (SELECT id FROM trainings ORDER BY id DESC LIMIT $newest)
            AND (model_id IS NULL OR model_id IN (SELECT id FROM models WHERE deleted_at IS NOT NULL))
            """,
            ("$before", before.ToUnixTimeMilliseconds()), ("$newest", newest));
    }

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    private static Training Read(SqliteDataReader reader)
    {
        var state = Enum.Parse<TrainingState>((string)reader["state"]);
        var (epoch, epochs) = ((int)(long)reader["epoch"], (int)(long)reader["epochs"]);
        return new Training(
            (long)reader["id"], state, reader.Time("created_at"), reader.NullableTime("ended_at"), epoch, epochs,
            state == TrainingState.Finished ? 1 : (double)epoch / epochs, SecondsLeft: null,
            JsonSerializer.Deserialize<EpochLine[]>((string)reader["history"])!, reader["message"] as string, reader["model_id"] as long?);
    }
}
