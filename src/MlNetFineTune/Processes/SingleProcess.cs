using static TorchSharp.torch;

namespace MlNetFineTune.Processes;

/// <summary>A group of one process: every sum is its only term.</summary>
internal sealed class SingleProcess : ProcessGroup
{
    public override int Rank => 0;

    public override int Size => 1;

    internal override void Sum(Span<double> values)
    {
    }

    internal override PendingSum StartSum(Tensor buffer) => PendingSum.Complete;

    internal override byte[][] Gather(ReadOnlySpan<byte> bytes) => [bytes.ToArray()];

    internal override byte[] Broadcast(ReadOnlySpan<byte> bytes) => bytes.ToArray();

    // The exception itself ends the training.
    internal override void Abort(Exception reason)
    {
    }

    public override string ToString() => nameof(Single);
}
