using System.Text.Json;
using Microsoft.ML;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Sharding;

/// <summary>
/// What all shards of a scoring have in common, in the file <c>scoring.json</c> of its folder. The first process writes it, the others
/// compare theirs with it.
/// </summary>
internal sealed record ScoringPlan
{
    public const int CurrentVersion = 1;

    public int FormatVersion { get; init; } = CurrentVersion;

    /// <summary>Number of shards.</summary>
    public required int Shards { get; init; }

    /// <summary>See <see cref="ShardingOptions.BlockRows"/>.</summary>
    public required int BlockRows { get; init; }

    /// <summary>
    /// The blocks. Not compared: they depend on the batch, which differs between CPU and GPU, and those of the first process are used.
    /// </summary>
    public required RowBlocks Blocks { get; init; }

    /// <summary>See <see cref="ShardingOptions.ModelId"/>.</summary>
    public required string Model { get; init; }

    /// <summary>See <see cref="ShardingOptions.DataId"/>.</summary>
    public required string? Data { get; init; }

    /// <summary>Number of rows where the data know it without a pass.</summary>
    public required long? Rows { get; init; }

    /// <summary>Names and types of the columns, for messages.</summary>
    public required IReadOnlyList<string> Columns { get; init; }

    /// <summary>A file of ML.NET's binary format without rows: the columns with their annotations.</summary>
    public required byte[] Schema { get; init; }

    /// <summary>The difference between this plan and another of the same folder; null if there is none.</summary>
    /// <param name="other">The plan of this process.</param>
    public string? DifferenceFrom(ScoringPlan other) => FingerprintDifference.Of(Compared, other.Compared)
        ?? (Schema.AsSpan().SequenceEqual(other.Schema) ? null : "annotations of columns, such as slot names or key values, are others");

    private Dictionary<string, JsonElement> Compared => new Dictionary<string, object?>
    {
        [nameof(Shards)] = Shards,
        [nameof(BlockRows)] = BlockRows,
        [nameof(Model)] = Model,
        [nameof(Data)] = Data,
        [nameof(Rows)] = Rows,
        [nameof(Columns)] = Columns,
    }.ToDictionary(pair => pair.Key, pair => JsonSerializer.SerializeToElement(pair.Value), StringComparer.Ordinal);

    /// <exception cref="InvalidDataException">The plan is not valid; the message names the reason.</exception>
    public ScoringPlan Verify() => FormatVersion != CurrentVersion
        ? throw new InvalidDataException($"it has format version {FormatVersion}, and this library reads version {CurrentVersion}")
        : Shards is >= 1 and <= Shard.MostShards && Blocks is { First: > 0, Rows: > 0 } && Blocks.First >= Blocks.Rows && Model is not null
            && Columns is { Count: > 0 } && Schema is { Length: > 0 }
                ? this
                : throw new InvalidDataException("a value is missing or outside its range");
}
