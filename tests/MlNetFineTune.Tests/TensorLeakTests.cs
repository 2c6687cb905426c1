using MlNetFineTune.Tests.Support;
using TorchSharp;

namespace MlNetFineTune.Tests;

[TestClass]
public sealed class TensorLeakTests
{
    [TestMethod]
    public void ATensorLeakedOnAnotherThreadIsCaught()
    {
        var check = new TensorLeakCheck();
        torch.Tensor? leaked = null;
        var thread = new Thread(() => leaked = torch.ones(2, 3));
        thread.Start();
        thread.Join();

        var failure = Assert.ThrowsExactly<AssertFailedException>(() => check.Verify(TimeSpan.Zero));
        StringAssert.Contains(failure.Message, "1 tensors were left alive");

        leaked!.Dispose();
        check.Verify(TimeSpan.Zero);
    }

    [TestMethod]
    public void ATensorDisposedSlightlyLateByAWorkerIsNoLeak()
    {
        var check = new TensorLeakCheck();
        var tensor = torch.ones(2, 3);
        var worker = Task.Run(() =>
        {
            Thread.Sleep(100);
            tensor.Dispose();
        });

        check.Verify(Patience.Limit);
        worker.Wait();
    }
}
