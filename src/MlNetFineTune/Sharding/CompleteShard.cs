namespace MlNetFineTune.Sharding;

/// <summary>What a shard knows of the data once it has passed over all rows: equal for all shards that read the same data.</summary>
internal sealed record CompleteShard
{
    /// <summary>See <see cref="ShardFolder.Identity"/>.</summary>
    public required string Scoring { get; init; }

    /// <summary>Number of rows of the data.</summary>
    public required long DataRows { get; init; }

    /// <summary>Hash of the first rows of all blocks, see <see cref="RowSample"/>.</summary>
    public required string Sample { get; init; }
}
