namespace MlNetFineTune;

/// <summary>Settings of a group of processes over MPI: <c>ProcessGroup.Mpi(options)</c>. Those of all processes must be equal.</summary>
public sealed record MpiOptions
{
    /// <summary>
    /// The longest time that a process waits for another one. Default 10 minutes, as that of NCCL in PyTorch. When it has passed, all
    /// processes end with an error that names the missing one. It must be longer than the longest work that one process does alone while
    /// the others wait, such as the download of weights. Not limited are the wait for other shards of <c>ml.Model.TransformSharded</c> and
    /// that at the end of the program. A process that dies is noticed at once by <c>mpirun</c> and <c>mpiexec</c>, and by
    /// <c>srun --kill-on-bad-exit=1</c>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive.</exception>
    public TimeSpan Timeout
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, nameof(Timeout));
            field = value;
        }
    } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Number of threads of libtorch in each process (<c>torch.set_num_threads</c>, for the whole process). Default null: the cores that
    /// the process may use, divided by the number of processes that share them; where <c>OMP_NUM_THREADS</c> or
    /// <c>MKL_NUM_THREADS</c> is set, nothing is changed. A group of one changes nothing either.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is below 1.</exception>
    public int? Threads
    {
        get;
        init
        {
            if (value is { } threads)
                ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1, nameof(Threads));
            field = value;
        }
    }

    /// <summary>
    /// Whether tensors on GPUs are summed by NCCL (<c>libnccl.so.2</c>, Linux). Default true: where every process computes on a GPU and
    /// NCCL loads; else, and with false, they are copied to the host for a sum, and back. Process 0 says on the error stream why NCCL is
    /// not used.
    /// </summary>
    public bool UseNccl { get; init; } = true;

    /// <summary>
    /// Name or path of the MPI library, such as <c>/opt/mpich/lib/libmpi.so</c>. Default null: the value of
    /// <c>MLNETFINETUNE_MPI_LIBRARY</c>; else the usual names of the launcher's own implementation (Open MPI, MPICH, Intel MPI, MS-MPI)
    /// where the system's loader finds them. It must work with the launcher that starts the processes.
    /// </summary>
    /// <exception cref="ArgumentException">It is empty.</exception>
    public string? Library
    {
        get;
        init
        {
            if (value is not null)
                ArgumentException.ThrowIfNullOrWhiteSpace(value, nameof(Library));
            field = value;
        }
    }
}
