using MlNetFineTune.Serving;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Serving;

/// <summary>When a batch begins.</summary>
[TestClass]
public sealed class BatchQueueTests
{
    private static readonly TimeSpan s_never = TimeSpan.FromMinutes(10);

    [TestMethod]
    public void ALoneItemBeginsAtOnce()
    {
        var queue = new BatchQueue<int>(capacity: 10, maxBatch: 4, s_never);
        var batch = new List<int>();

        for (var i = 0; i < 3; i++)
        {
            queue.TryAdd(i);
            Assert.IsTrue(queue.Take(batch));
            CollectionAssert.AreEqual(new[] { i }, batch);
            queue.BatchEnds(batch.Count);
        }
    }

    [TestMethod]
    public void ABatchWaitsForAsManyAsWereUnderWay()
    {
        var queue = new BatchQueue<int>(capacity: 10, maxBatch: 4, s_never);
        var batch = new List<int>();
        queue.TryAdd(0);
        queue.Take(batch);
        queue.TryAdd(1);
        queue.TryAdd(2);
        queue.BatchEnds(1); // 0 under way, 1 and 2 waiting: three callers

        var taken = Task.Run(() => queue.Take(batch));
        Assert.IsFalse(taken.Wait(100));
        queue.TryAdd(3);

        Assert.IsTrue(taken.Wait(Patience.Limit));
        CollectionAssert.AreEqual(new[] { 1, 2, 3 }, batch);
    }

    [TestMethod]
    public void ABatchIsNeverLargerThanAllowedAndNeverWaitsForMore()
    {
        var queue = new BatchQueue<int>(capacity: 10, maxBatch: 4, s_never);
        var batch = new List<int>();
        for (var i = 0; i < 9; i++)
            queue.TryAdd(i);

        queue.Take(batch);
        CollectionAssert.AreEqual(new[] { 0, 1, 2, 3 }, batch);
        queue.BatchEnds(4); // nine were there, but four fill a batch
        queue.Take(batch);
        CollectionAssert.AreEqual(new[] { 4, 5, 6, 7 }, batch);
        Assert.AreEqual(1, queue.Count);
    }

    [TestMethod]
    public void WhoWaitedLongEnoughGoesWithWhoeverIsThere()
    {
        var time = new ManualTime();
        var queue = new BatchQueue<int>(capacity: 10, maxBatch: 4, s_never, time: time);
        var batch = new List<int>();
        Four(queue, batch);
        queue.TryAdd(0);
        time.Advance(s_never);

        TakeAtOnce();

        CollectionAssert.AreEqual(new[] { 0 }, batch);
        queue.BatchEnds(1);
        queue.TryAdd(1);
        TakeAtOnce(); // once nobody came, the next is not held up
        CollectionAssert.AreEqual(new[] { 1 }, batch);

        // The clock stands still: who waited for it would wait for ever.
        void TakeAtOnce() => Assert.IsTrue(Task.Run(() => queue.Take(batch)).Wait(Patience.Limit));
    }

    [TestMethod]
    public void TheDelayPassesByItself()
    {
        var queue = new BatchQueue<int>(capacity: 10, maxBatch: 4, TimeSpan.FromMilliseconds(50));
        var batch = new List<int>();
        Four(queue, batch);
        queue.TryAdd(0);

        Assert.IsTrue(Task.Run(() => queue.Take(batch)).Wait(Patience.Limit));

        CollectionAssert.AreEqual(new[] { 0 }, batch);
    }

    [TestMethod]
    public void SeveralWorkersShareWhatIsThere()
    {
        var queue = new BatchQueue<int>(capacity: 20, maxBatch: 8, s_never, workers: 2);
        var (first, second) = (new List<int>(), new List<int>());
        for (var i = 0; i < 8; i++)
            queue.TryAdd(i);

        queue.Take(first);
        queue.Take(second);
        CollectionAssert.AreEqual(new[] { 0, 1, 2, 3 }, first);
        CollectionAssert.AreEqual(new[] { 4, 5 }, second); // its share of what was left

        queue.BatchEnds(4); // 6 under way, 2 waiting: 4 for each
        foreach (var i in (int[])[8, 9])
            queue.TryAdd(i);
        queue.Take(first);
        CollectionAssert.AreEqual(new[] { 6, 7, 8, 9 }, first);
    }

    [TestMethod]
    public void AClosedQueueGivesWhatItHasWithoutDelayAndEnds()
    {
        var queue = new BatchQueue<int>(capacity: 10, maxBatch: 4, s_never);
        var batch = new List<int>();
        Four(queue, batch);
        queue.TryAdd(0);
        var first = Task.Run(() => queue.Take(batch));
        Assert.IsFalse(first.Wait(50));

        queue.Close();

        Assert.IsTrue(first.Result);
        CollectionAssert.AreEqual(new[] { 0 }, batch);
        Assert.IsFalse(queue.Take(batch));
        Assert.Throws<ObjectDisposedException>(() => queue.TryAdd(1));
    }

    [TestMethod]
    public void PlacesAreCountedAndGivenBack()
    {
        var queue = new BatchQueue<int>(capacity: 2, maxBatch: 4, s_never);
        var first = queue.TryAdd(0)!;
        Assert.IsNotNull(queue.TryAdd(1));
        Assert.IsNull(queue.TryAdd(2));

        queue.Remove(first);
        queue.Remove(first);

        Assert.IsNotNull(queue.TryAdd(3));
        var batch = new List<int>();
        queue.Take(batch);
        CollectionAssert.AreEqual(new[] { 1, 3 }, batch);
        queue.Remove(first); // of a row that was taken: nothing happens
    }

    // Four were under way and have ended.
    private static void Four(BatchQueue<int> queue, List<int> batch)
    {
        for (var i = 0; i < 4; i++)
            queue.TryAdd(-1);
        queue.Take(batch);
        queue.BatchEnds(4);
    }
}
