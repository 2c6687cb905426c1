using MlNetFineTune.Processes;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Support;

/// <summary>A process of a group that fails when it starts a sum of gradients.</summary>
/// <param name="group">The process.</param>
/// <param name="sums">Sums that succeed.</param>
internal sealed class FailingGroup(ProcessGroup group, int sums) : ForwardingGroup(group)
{
    private int _sums;

    internal override PendingSum StartSum(Tensor buffer) =>
        _sums++ < sums ? base.StartSum(buffer) : throw new DivideByZeroException("This process fails.");
}
