using MlNetFineTune.Processes;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Support;

/// <summary>A process of a group that records its operations.</summary>
/// <param name="group">The process.</param>
internal sealed class WatchedGroup(ProcessGroup group) : ForwardingGroup(group)
{
    /// <summary>The operations in their order, with the position of the training.</summary>
    public List<(string Operation, string Position)> Calls { get; } = [];

    /// <summary>Called before the sum of a bucket of gradients starts.</summary>
    public Action OnStartSum { get; init; } = () => { };

    /// <summary>Changes what this process gathers, in place.</summary>
    public Action<byte[][]> OnGathered { get; init; } = _ => { };

    internal override void Sum(Span<double> values)
    {
        Calls.Add((nameof(Sum), Position));
        base.Sum(values);
    }

    internal override PendingSum StartSum(Tensor buffer)
    {
        Calls.Add((nameof(StartSum), Position));
        OnStartSum();
        return base.StartSum(buffer);
    }

    internal override byte[][] Gather(ReadOnlySpan<byte> bytes)
    {
        Calls.Add((nameof(Gather), Position));
        var all = base.Gather(bytes);
        OnGathered(all);
        return all;
    }

    internal override byte[] Broadcast(ReadOnlySpan<byte> bytes)
    {
        Calls.Add((nameof(Broadcast), Position));
        return base.Broadcast(bytes);
    }
}
