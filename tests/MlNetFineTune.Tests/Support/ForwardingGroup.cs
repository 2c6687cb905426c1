using MlNetFineTune.Processes;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Support;

/// <summary>A process of another group, whose operations a test observes or changes.</summary>
/// <param name="group">The process.</param>
internal abstract class ForwardingGroup(ProcessGroup group) : ProcessGroup
{
    public override int Rank => group.Rank;

    public override int Size => group.Size;

    /// <summary>Why this process ended the others; null if it did not.</summary>
    public Exception? Aborted { get; private set; }

    internal override string Position
    {
        get => group.Position;
        set => group.Position = value;
    }

    internal override void Sum(Span<double> values) => group.Sum(values);

    internal override PendingSum StartSum(Tensor buffer) => group.StartSum(buffer);

    internal override byte[][] Gather(ReadOnlySpan<byte> bytes) => group.Gather(bytes);

    internal override byte[] Broadcast(ReadOnlySpan<byte> bytes) => group.Broadcast(bytes);

    internal override void Abort(Exception reason)
    {
        Aborted = reason;
        group.Abort(reason);
    }
}
