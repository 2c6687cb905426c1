using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Tests.Primitives;

[TestClass]
public sealed class DisposalGuardTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly DisposalGuard _guard = new("Model", "The model was disposed; load it again.");

    [TestMethod]
    public void DisposalWaitsForEveryLease()
    {
        using var bothTaken = new CountdownEvent(2);
        using var mayReturn = new ManualResetEventSlim();
        var freed = false;
        var users = Enumerable.Range(0, 2).Select(_ => OnThread(() =>
        {
            using var lease = _guard.Use();
            bothTaken.Signal();
            Assert.IsTrue(mayReturn.Wait(Patience));
            Assert.IsFalse(Volatile.Read(ref freed), "freed under a lease");
        })).ToArray();
        Assert.IsTrue(bothTaken.Wait(Patience));

        var disposal = OnThread(() => _guard.Dispose(() => Volatile.Write(ref freed, true)));

        Assert.IsFalse(disposal.Wait(50), "the leases are still out");
        mayReturn.Set();
        Assert.IsTrue(Task.WaitAll([disposal, .. users], Patience));
        Assert.IsTrue(freed);
    }

    [TestMethod]
    public void ALaterLeaseIsAnErrorThatSaysWhatToDo()
    {
        _guard.Dispose(() => { });

        for (var i = 0; i < 2; i++)
        {
            var error = Assert.ThrowsExactly<ObjectDisposedException>(() =>
            {
                using var lease = _guard.Use();
            });
            Assert.AreEqual("Model", error.ObjectName);
            StringAssert.Contains(error.Message, "The model was disposed; load it again.");
        }
    }

    [TestMethod]
    public void TheResourceIsFreedOnce()
    {
        var freed = 0;

        var disposals = Enumerable.Range(0, 8).Select(_ => OnThread(() => _guard.Dispose(() => freed++))).ToArray();

        Assert.IsTrue(Task.WaitAll(disposals, Patience));
        Assert.AreEqual(1, freed);
    }

    // A transformer that comes twice in a pipeline: the getter of one calls the other's.
    [TestMethod]
    public void AThreadThatHasALeaseGetsAnotherWhileADisposalWaits()
    {
        using var taken = new ManualResetEventSlim();
        using var mayNest = new ManualResetEventSlim();
        var user = OnThread(() =>
        {
            using var outer = _guard.Use();
            taken.Set();
            Assert.IsTrue(mayNest.Wait(Patience));
            using var inner = _guard.Use();
        });
        Assert.IsTrue(taken.Wait(Patience));
        var disposal = OnThread(() => _guard.Dispose(() => { }));
        Assert.IsFalse(disposal.Wait(50));

        mayNest.Set();

        Assert.IsTrue(Task.WaitAll([user, disposal], Patience), "neither waits for the other");
    }

    private static Task OnThread(Action action) => Task.Factory.StartNew(action, TaskCreationOptions.LongRunning);
}
