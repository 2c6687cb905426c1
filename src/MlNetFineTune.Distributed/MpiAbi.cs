namespace MlNetFineTune.Distributed;

/// <summary>
/// Values of the constants of <c>mpi.h</c>. The standard names them, but each family has its own types: Open MPI's handles are addresses,
/// MPICH's are 32-bit integers, which a 64-bit calling convention passes in the same registers.
/// </summary>
internal abstract class MpiAbi
{
    /// <summary><c>MPI_SUCCESS</c> in both.</summary>
    public const int Success = 0;

    /// <summary><c>MPI_THREAD_SERIALIZED</c> in both: any thread may call, one at a time.</summary>
    public const int Serialized = 2;

    /// <summary><c>MPI_COMM_WORLD</c></summary>
    public abstract nint World { get; }

    /// <summary><c>MPI_BYTE</c></summary>
    public abstract nint Byte { get; }

    /// <summary><c>MPI_FLOAT</c></summary>
    public abstract nint Float { get; }

    /// <summary><c>MPI_DOUBLE</c></summary>
    public abstract nint Double { get; }

    /// <summary><c>MPI_SUM</c></summary>
    public abstract nint Sum { get; }

    /// <summary><c>MPI_ERRORS_RETURN</c></summary>
    public abstract nint ErrorsReturn { get; }

    /// <summary><c>MPI_IN_PLACE</c></summary>
    public abstract nint InPlace { get; }

    /// <summary><c>MPI_STATUS_IGNORE</c></summary>
    public abstract nint IgnoredStatus { get; }
}
