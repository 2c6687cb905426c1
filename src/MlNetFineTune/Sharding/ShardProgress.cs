namespace MlNetFineTune;

/// <summary>How far <c>ml.Model.TransformSharded</c> is with the rows of a shard, or that all of them are scored.</summary>
public sealed record ShardProgress
{
    internal ShardProgress(Shard shard, long rows, long keptRows, long dataRows) =>
        (Shard, Rows, KeptRows, DataRows) = (shard, rows, keptRows, dataRows);

    /// <summary>The shard.</summary>
    public Shard Shard { get; }

    /// <summary>Number of rows of the shard with scores in complete files, <see cref="KeptRows"/> included.</summary>
    public long Rows { get; }

    /// <summary>Number of rows of the shard that an earlier call had scored.</summary>
    public long KeptRows { get; }

    /// <summary>
    /// Number of rows of all shards that have been read or passed over; in the result of the call the number of rows of the data.
    /// </summary>
    public long DataRows { get; }
}
