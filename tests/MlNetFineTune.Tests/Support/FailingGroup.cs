using MlNetFineTune.Processes;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Support;

/// <summary>A process of a group that fails when it starts a sum of gradients.</summary>
/// <param name="group">The process.</param>
/// <param name="sums">Sums that succeed.</param>
internal sealed class FailingGroup(ProcessGroup group, int sums) : ProcessGroup
{
    private int _sums;

    public override int Rank => group.Rank;

    public override int Size => group.Size;

    internal override string Position
    {
        get => group.Position;
        set => group.Position = value;
    }

    internal override void Sum(Span<double> values) => group.Sum(values);

    internal override PendingSum StartSum(Tensor buffer) =>
        _sums++ < sums ? group.StartSum(buffer) : throw new DivideByZeroException("This process fails.");

    internal override byte[][] Gather(ReadOnlySpan<byte> bytes) => group.Gather(bytes);

    internal override byte[] Broadcast(ReadOnlySpan<byte> bytes) => group.Broadcast(bytes);

    internal override void Abort(Exception reason)
    {
        Aborted = reason;
        group.Abort(reason);
    }

    /// <summary>Why this process ended the others; null if it did not.</summary>
    public Exception? Aborted { get; private set; }
}
