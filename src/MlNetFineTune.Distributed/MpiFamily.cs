namespace MlNetFineTune.Distributed;

/// <summary>Implementations of MPI whose binary interfaces are alike.</summary>
internal enum MpiFamily
{
    OpenMpi,

    /// <summary>MPICH and all that keep its ABI: Intel MPI, MS-MPI, MVAPICH, Cray MPICH (https://www.mpich.org/abi).</summary>
    Mpich,
}
