using System.Diagnostics;
using TorchSharp;

[assembly: DoNotParallelize] // live tensors are counted for the whole process

namespace MlNetFineTune.Tests.Support;

/// <summary>
/// Counts the live tensors of all threads (dispose scopes count those of one), and fails where more are alive at the end than at the beginning.
/// </summary>
internal sealed class TensorLeakCheck
{
    // A worker that has just delivered its last result may be about to dispose its last tensor.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    private readonly long _before = torch.Tensor.TotalCount;

    public void Verify()
    {
        var waited = Stopwatch.StartNew();
        while (torch.Tensor.TotalCount > _before && waited.Elapsed < Grace)
            Thread.Sleep(10);

        var after = torch.Tensor.TotalCount;
        if (after > _before)
            Assert.Fail($"{after - _before} tensors were left alive ({_before} before, {after} after). Each needs an owner that disposes it.");
    }
}
