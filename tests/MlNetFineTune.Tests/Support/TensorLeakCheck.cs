using System.Diagnostics;
using TorchSharp;

[assembly: DoNotParallelize] // live tensors are counted for the whole process

namespace MlNetFineTune.Tests.Support;

/// <summary>
/// Counts the live tensors of all threads (dispose scopes count those of one),
/// and fails where more are alive at the end than at the beginning.
/// </summary>
internal sealed class TensorLeakCheck
{
    private readonly long _before = torch.Tensor.TotalCount;

    /// <param name="grace">For a worker that has just delivered its last result and is about to dispose its last tensor.</param>
    /// <param name="miscounted">Tensors that TorchSharp counts though they are gone.</param>
    public void Verify(TimeSpan grace, long miscounted = 0)
    {
        var allowed = _before + miscounted;
        var waited = Stopwatch.StartNew();
        while (torch.Tensor.TotalCount > allowed && waited.Elapsed < grace)
            Thread.Sleep(10);

        var after = torch.Tensor.TotalCount;
        if (after > allowed)
            Assert.Fail($"{after - allowed} tensors were left alive ({_before} before, {after} after). "
                + "Each needs an owner that disposes it.");
    }
}

/// <summary>For the few tests whose modules are made of TorchSharp's own layers: each of their parameters counts as alive for ever (see
/// Parameters.cs).</summary>
internal static class MiscountedTensors
{
    private static long s_expected;

    /// <param name="count">As measured by the test itself, on the layers alone.</param>
    public static void Expect(long count) => s_expected += count;

    public static long Take() => Interlocked.Exchange(ref s_expected, 0);
}
