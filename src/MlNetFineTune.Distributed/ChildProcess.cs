using System.Globalization;

namespace MlNetFineTune.Distributed;

/// <summary>
/// Finds out that this process was started by a process of the group. It has inherited the launcher's variables, and with them the rank of
/// that process, but the launcher does not expect it: MPI would wait or mix up the two.
/// </summary>
internal static class ChildProcess
{
    public const string Variable = "MLNETFINETUNE_MPI_PROCESS";

    // They identify what the launcher has started: a launcher inside a process of the group starts a group of its own.
    private static readonly string[] s_jobs =
        ["PMIX_NAMESPACE", "PMI_JOBID", "OMPI_MCA_ess_base_jobid", "SLURM_JOB_ID", "SLURM_STEP_ID", "JSM_NAMESPACE_ID"];

    /// <summary>What the processes that this one starts inherit.</summary>
    /// <param name="read">Reads a variable of the environment.</param>
    /// <param name="process">Number of this process.</param>
    public static string Mark(Func<string, string?> read, int process) =>
        $"{process.ToString(CultureInfo.InvariantCulture)} {string.Join('/', s_jobs.Select(read))}";

    /// <exception cref="InvalidOperationException">A process of the group has started this one.</exception>
    public static void Refuse(Func<string, string?> read, int process, Launcher launcher)
    {
        if (read(Variable) is not { Length: > 0 } mark || mark == Mark(read, process))
            return;
        if (mark.Split(' ', 2) is not [var parent, var job] || job != Mark(read, process).Split(' ', 2)[1])
            return;
        throw new InvalidOperationException(
            $"Process {process} was started by process {parent}, which is one of those that {launcher.Name} has started, and has inherited "
            + $"its place in the group ({launcher.SizeVariable} is set). Only the processes that the launcher starts can call "
            + "ProcessGroup.Mpi: train in them, or start this one without the launcher's variables to let it train alone. If a launcher "
            + $"of its own has started it, remove {Variable} from its environment.");
    }
}
