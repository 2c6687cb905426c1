using MlNetFineTune.Primitives;

namespace MlNetFineTune;

/// <summary>Options of <c>ml.Model.TransformSharded</c>. All have defaults.</summary>
public sealed record ShardingOptions
{
    private const int MostRows = 1 << 20;

    /// <summary>
    /// Smallest number of rows in a block, the unit that is assigned to a shard and kept by a restart; each is one file. It is rounded up
    /// to a multiple of the network's batch. 1 to 1,048,576. Default 512. Smaller blocks divide few rows more evenly and lose less when a
    /// process is killed; larger ones make fewer files.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is outside its range.</exception>
    public int BlockRows { get; init => field = Checked.Range(value, 1, MostRows, nameof(BlockRows)); } = 512;

    /// <summary>
    /// Identity of the model, by which its scores are told from another's. Default null: the SHA-256 of what <c>ml.Model.Save</c> writes,
    /// for which the model is saved to a temporary file. Needed for a model that cannot be saved.
    /// </summary>
    public string? ModelId { get; init; }

    /// <summary>
    /// Identity of the data, such as the name and the version of the data set. Default null: only what can be seen for little is compared,
    /// that is the columns, the number of rows and the first row of each block.
    /// </summary>
    public string? DataId { get; init; }

    /// <summary>Receives the progress after each block, on the calling thread. Default null: no one.</summary>
    public IProgress<ShardProgress>? Progress { get; init; }

    /// <summary>
    /// Cancels the scoring. Complete blocks are kept: the same call goes on after them. Default <see cref="CancellationToken.None"/>.
    /// </summary>
    public CancellationToken CancellationToken { get; init; }
}
