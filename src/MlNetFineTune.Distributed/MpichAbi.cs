namespace MlNetFineTune.Distributed;

/// <summary>MPICH 3.1 and later, and those that keep its ABI: handles are integers with the kind in the high bits (<c>mpi.h</c>).</summary>
internal sealed class MpichAbi : MpiAbi
{
    public override nint World => 0x44000000;

    public override nint Byte => 0x4c00010d;

    public override nint Float => 0x4c00040a;

    public override nint Double => 0x4c00080b;

    public override nint Sum => 0x58000003;

    public override nint ErrorsReturn => 0x54000001;

    public override nint InPlace => -1;

    public override nint IgnoredStatus => 1;
}
