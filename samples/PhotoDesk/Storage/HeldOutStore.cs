namespace PhotoDesk;

/// <summary>The labelled held-out photos and the models' predictions for them.</summary>
internal sealed class HeldOutStore(Database database)
{
    public IReadOnlyList<HeldOutPhoto> List()
    {
        using var connection = database.Open();
        return connection.Query(
            reader => new HeldOutPhoto(reader.GetInt64(0), reader.GetString(1), reader.GetString(2)),
            $"SELECT id, name, label FROM labelled WHERE side = '{PhotoSide.HeldOut}' ORDER BY id");
    }

    /// <summary>Streams the contents. Photos deleted meanwhile are skipped.</summary>
    public IEnumerable<HeldOutRow> Contents(IEnumerable<long> ids)
    {
        using var connection = database.Open();
        foreach (var id in ids)
        {
            if (connection.Scalar<byte[]>("SELECT content FROM files WHERE photo_id = $id", ("$id", id)) is { } content)
                yield return new HeldOutRow { PhotoId = id, Photo = content };
        }
    }

    public IReadOnlyDictionary<long, string> SaidBy(long modelId)
    {
        using var connection = database.Open();
        return connection.Query(reader => (Id: reader.GetInt64(0), Label: reader.GetString(1)),
            "SELECT photo_id, predicted_label FROM judgements WHERE model_id = $model", ("$model", modelId))
            .ToDictionary(row => row.Id, row => row.Label);
    }

    public void Keep(long modelId, IReadOnlyDictionary<long, string> said)
    {
        using var connection = database.Open();
        using var transaction = connection.BeginTransaction();
        foreach (var (photo, label) in said)
        {
            connection.Execute(
                "INSERT OR REPLACE INTO judgements (model_id, photo_id, predicted_label) SELECT $model, id, "
                    + "$label FROM photos WHERE id = $photo",
                ("$model", modelId), ("$photo", photo), ("$label", label));
        }
        transaction.Commit();
    }
}

internal sealed record HeldOutPhoto(long Id, string Name, string Label);

internal sealed class HeldOutRow
{
    public long PhotoId { get; set; }

    public byte[] Photo { get; set; } = [];
}
