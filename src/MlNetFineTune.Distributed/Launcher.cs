using System.Globalization;

namespace MlNetFineTune.Distributed;

/// <summary>The program that has started the processes of the group, as known from the environment that it gives them.</summary>
/// <param name="Name">For messages.</param>
/// <param name="SizeVariable">The variable by which it was recognised.</param>
/// <param name="Size">Number of processes; null where the launcher does not say.</param>
/// <param name="Family">The implementation whose library it needs; null where it serves several.</param>
/// <param name="Advice">What to do where launcher and library do not belong together.</param>
/// <param name="MpichFirst">Whether MPICH's library is tried before Open MPI's where it serves several.</param>
internal sealed record Launcher(
    string Name, string SizeVariable, int? Size, MpiFamily? Family, string Advice, bool MpichFirst = false)
{
    private const string OpenMpiAdvice = "Install Open MPI's library (Debian: apt-get install libopenmpi3).";
    private const string MpichAdvice = "Install the library of that mpiexec (Debian's MPICH: apt-get install libmpich12; Windows: MS-MPI).";
    private const string SlurmAdvice = "Start with srun --mpi=pmix --kill-on-bad-exit=1 (Open MPI), or with --mpi=pmi2 (MPICH, Intel MPI).";

    // The order matters: mpirun inside a Slurm job starts its daemons by srun, whose variables the ranks inherit. SLURM_NTASKS is not
    // here, because a batch script has it too; only srun sets SLURM_STEP_NUM_TASKS.
    private static readonly Launcher[] s_known =
    [
        new("Open MPI's mpirun", "OMPI_COMM_WORLD_SIZE", null, MpiFamily.OpenMpi, OpenMpiAdvice),
        new("MVAPICH's mpirun", "MV2_COMM_WORLD_SIZE", null, MpiFamily.Mpich, MpichAdvice),
        new("mpiexec (MPICH, Intel MPI or MS-MPI)", "PMI_SIZE", null, MpiFamily.Mpich, MpichAdvice),
        new("jsrun", "JSM_NAMESPACE_SIZE", null, MpiFamily.OpenMpi, OpenMpiAdvice),
        new("Slurm's srun", "SLURM_STEP_NUM_TASKS", null, null, SlurmAdvice),
    ];

    // Set by launchers that give no number of processes: the library knows it.
    private static readonly string[] s_ranks = ["PMIX_RANK", "PMI_RANK", "PALS_RANKID"];

    /// <summary>The launcher of this process; null where there is none.</summary>
    /// <param name="read">Reads a variable of the environment.</param>
    public static Launcher? Find(Func<string, string?> read)
    {
        foreach (var known in s_known)
        {
            if (int.TryParse(read(known.SizeVariable), NumberStyles.None, CultureInfo.InvariantCulture, out var size) && size > 0)
                return ServesAll(known) ? known with { Size = size, Family = null, MpichFirst = true } : known with { Size = size };
        }
        return s_ranks.FirstOrDefault(name => read(name) is { Length: > 0 }) is { } rank
            ? new("A launcher with PMI", rank, null, null, $"{OpenMpiAdvice} Or: {MpichAdvice}")
            : null;

        // srun --mpi=pmi2 sets PMI_SIZE as MPICH's mpiexec does, and also starts an Open MPI that was built with PMI2.
        bool ServesAll(Launcher known) => known.SizeVariable == "PMI_SIZE" && read("SLURM_STEP_NUM_TASKS") is { Length: > 0 };
    }
}
