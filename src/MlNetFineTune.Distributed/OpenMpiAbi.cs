using System.Runtime.InteropServices;

namespace MlNetFineTune.Distributed;

/// <summary>Open MPI 3 to 5: handles are addresses of exported structures (<c>OMPI_PREDEFINED_GLOBAL</c> in mpi.h).</summary>
internal sealed class OpenMpiAbi(nint library) : MpiAbi
{
    /// <summary>An export that no other family has.</summary>
    public const string WorldExport = "ompi_mpi_comm_world";

    public override nint World { get; } = NativeLibrary.GetExport(library, WorldExport);

    public override nint Byte { get; } = NativeLibrary.GetExport(library, "ompi_mpi_byte");

    public override nint Float { get; } = NativeLibrary.GetExport(library, "ompi_mpi_float");

    public override nint Double { get; } = NativeLibrary.GetExport(library, "ompi_mpi_double");

    public override nint Sum { get; } = NativeLibrary.GetExport(library, "ompi_mpi_op_sum");

    public override nint ErrorsReturn { get; } = NativeLibrary.GetExport(library, "ompi_mpi_errors_return");

    public override nint InPlace => 1;

    public override nint IgnoredStatus => 0;
}
