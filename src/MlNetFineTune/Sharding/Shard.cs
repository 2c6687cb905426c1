using System.Globalization;
using MlNetFineTune.Primitives;
using MlNetFineTune.Sharding;

namespace MlNetFineTune;

/// <summary>
/// One of several equal parts of a computation over the rows of a data view, each computed by a process of its own. Shards are numbered
/// from 0, as the indices of Kubernetes and MPI are.
/// </summary>
public sealed record Shard
{
    internal const int MostShards = 100_000;

    private Shard(int index, int count) => (Index, Count) = (index, count);

    /// <summary>Number of the shard, from 0 to <see cref="Count"/> - 1.</summary>
    public int Index { get; }

    /// <summary>Number of shards, from 1 to 100,000.</summary>
    public int Count { get; }

    /// <summary>A shard by number.</summary>
    /// <param name="index">Number of the shard, from 0 to <paramref name="count"/> - 1.</param>
    /// <param name="count">Number of shards, from 1 to 100,000.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is outside its range.</exception>
    public static Shard Of(int index, int count)
    {
        Checked.Range(count, 1, MostShards);
        Checked.Range(index, 0, count - 1);
        return new Shard(index, count);
    }

    /// <summary>The shard of a process in its group: number <see cref="ProcessGroup.Rank"/> of <see cref="ProcessGroup.Size"/>.</summary>
    internal static Shard Of(ProcessGroup processes) => Of(processes.Rank, processes.Size);

    /// <summary>Reads a shard from text such as <c>2/8</c>: number, from 0, and number of shards.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="FormatException">The text is not of this form, or a number is outside its range.</exception>
    public static Shard Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Split('/') is [var first, var second]
            && int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            && int.TryParse(second, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && count is >= 1 and <= MostShards && index < count
                ? new Shard(index, count)
                : throw new FormatException(
                    $"{SafeText.Quoted(text)} is not a shard. Expected INDEX/COUNT with an index from 0 to COUNT - 1 and at most "
                    + $"{MostShards} shards, such as 0/8 for the first and 7/8 for the last of eight.");
    }

    /// <summary>
    /// The shard that a scheduler gives this process by environment variables. In this order: <c>JOB_COMPLETION_INDEX</c> (Indexed Job of
    /// Kubernetes); <c>SLURM_ARRAY_TASK_ID</c> with <c>_MIN</c>, <c>_MAX</c> and <c>_COUNT</c> (job array of Slurm); the ranks of MPI:
    /// <c>OMPI_COMM_WORLD_RANK</c> and <c>_SIZE</c>, <c>PMI_RANK</c> and <c>PMI_SIZE</c>; <c>SLURM_PROCID</c> and
    /// <c>SLURM_STEP_NUM_TASKS</c> (tasks that <c>srun</c> has started; a batch script itself is not numbered).
    /// </summary>
    /// <param name="count">
    /// Number of shards. Default null: the variable <c>SHARD_COUNT</c>, or what the scheduler says. Kubernetes does not say it. If it is
    /// set, a job array of Slurm is numbered from 0, and single tasks can be submitted again.
    /// </param>
    /// <returns>Null if no scheduler numbers this process.</returns>
    /// <exception cref="InvalidOperationException">
    /// A variable is not a number, the number of shards is missing, or the variables contradict each other or
    /// <paramref name="count"/>.
    /// </exception>
    public static Shard? FromEnvironment(int? count = null)
    {
        if (count is { } given)
            Checked.Range(given, 1, MostShards, nameof(count));
        return ShardEnvironment.Read(Environment.GetEnvironmentVariable, count);
    }

    /// <summary>The shard as <see cref="Parse"/> reads it, such as <c>2/8</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"{Index}/{Count}");
}
