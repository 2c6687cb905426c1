using System.Globalization;

namespace MlNetFineTune.Sharding;

/// <summary>
/// The environment variables by which schedulers number the processes of a job.
/// Kubernetes: https://kubernetes.io/docs/tasks/job/indexed-parallel-processing-static/; Slurm: https://slurm.schedmd.com/job_array.html;
/// OpenMPI, MPICH (PMI) and Slurm's srun for ranks.
/// </summary>
internal static class ShardEnvironment
{
    /// <summary>Number of shards, where the scheduler does not say it.</summary>
    public const string Count = "SHARD_COUNT";

    private const string KubernetesIndex = "JOB_COMPLETION_INDEX";
    private const string SlurmTask = "SLURM_ARRAY_TASK_ID";
    private const string SlurmCount = "SLURM_ARRAY_TASK_COUNT";
    private const string SlurmFirst = "SLURM_ARRAY_TASK_MIN";
    private const string SlurmLast = "SLURM_ARRAY_TASK_MAX";

    // Of srun the number of tasks of the step: SLURM_PROCID and SLURM_NTASKS are set in a batch script too, which is one process, whatever
    // the number of tasks it asks for.
    private static readonly (string Rank, string Size)[] s_ranks =
    [
        ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE"), ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
    ];

    /// <param name="variables">Value of a variable; null if it is not set.</param>
    /// <param name="count">Number of shards; null if the caller does not say it.</param>
    /// <returns>Null if no scheduler numbers this process.</returns>
    /// <exception cref="InvalidOperationException">The variables are not valid.</exception>
    public static Shard? Read(Func<string, string?> variables, int? count)
    {
        var shards = count ?? Find(Count);
        if (Find(KubernetesIndex) is { } completion)
        {
            return Create(completion, KubernetesIndex, shards ?? throw new InvalidOperationException(
                $"{KubernetesIndex} is {completion}, but the number of shards is not known, which Kubernetes does not say. Set the "
                + $"variable {Count} in the manifest to the value of spec.completions."));
        }
        if (Find(SlurmTask) is { } task)
            return shards is { } known ? Create(task, SlurmTask, known) : OfArray(task);
        foreach (var (rank, size) in s_ranks)
        {
            if (Find(rank) is { } number && Find(size) is { } processes)
            {
                return shards is null || shards == processes
                    ? Create(number, rank, processes)
                    : throw new InvalidOperationException(
                        $"There are {processes} processes by {size}, and {shards} shards are asked for. Start as many processes as shards, "
                        + "or say the shard of each process.");
            }
        }
        return null;

        int? Find(string name) => variables(name) is not { Length: > 0 } text ? null
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
            : throw new InvalidOperationException($"The environment variable {name} is {SafeText.Quoted(text)}. Expected a whole number.");

        Shard OfArray(int number)
        {
            var (tasks, first, last) = (Find(SlurmCount), Find(SlurmFirst), Find(SlurmLast));
            // An array with gaps, such as 0-6:2, or some tasks submitted again: their numbers are not those of shards.
            return tasks is { } all && first is { } from && last is { } to && to - (long)from + 1 == all
                ? Create(number - from, SlurmTask, all)
                : throw new InvalidOperationException(
                    $"{SlurmTask} is {number}, and the array is not a gapless range ({SlurmCount} is {tasks}, {SlurmFirst} {first}, "
                    + $"{SlurmLast} {last}). Number its tasks from 0 and set {Count} to the number of shards.");
        }
    }

    private static Shard Create(int index, string variable, int count) =>
        count is >= 1 and <= Shard.MostShards && index >= 0 && index < count
        ? Shard.Of(index, count)
        : throw new InvalidOperationException(
            $"{variable} gives shard {index}, and there are {count} shards, numbered from 0. Check the number of shards ({Count}) and the "
            + "numbers of the tasks.");
}
