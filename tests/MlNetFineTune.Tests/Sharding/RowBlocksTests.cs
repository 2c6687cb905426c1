using MlNetFineTune.Scoring;
using MlNetFineTune.Sharding;

namespace MlNetFineTune.Tests.Sharding;

[TestClass]
public sealed class RowBlocksTests
{
    [TestMethod]
    [DataRow(1, 1)]
    [DataRow(512, 1)]
    [DataRow(10, 16)]
    [DataRow(512, 128)]
    [DataRow(512, 256)]
    [DataRow(100, 512)]
    [DataRow(7, 3)]
    public void BlocksCoverAllRowsOnceAndEndWhereBatchesEnd(int atLeast, int batch)
    {
        var blocks = RowBlocks.Of(atLeast, batch);
        Assert.IsGreaterThanOrEqualTo(atLeast, blocks.Rows);

        // The batches of one pass, as ReadAhead makes them.
        var ends = new HashSet<long> { 0 };
        long end = 0;
        for (var rows = 64; end < 10_000; rows = Math.Min(4 * rows, Math.Max(batch, 64)))
            ends.Add(end += Math.Min(rows, batch));
        for (var block = 0L; blocks.StartOf(block) < 9_000; block++)
        {
            Assert.Contains(blocks.StartOf(block), ends);
            Assert.AreEqual(blocks.StartOf(block) + blocks.RowsOf(block), blocks.StartOf(block + 1));
        }
        foreach (var rows in (long[])[0, 1, blocks.First - 1, blocks.First, blocks.First + 1, blocks.First + 3L * blocks.Rows, 9_999])
        {
            var count = blocks.CountFor(rows);
            Assert.AreEqual(rows, Enumerable.Range(0, (int)count).Sum(block => (long)blocks.RowsIn(block, rows)));
            Assert.IsTrue(Enumerable.Range(0, (int)count).All(block => blocks.RowsIn(block, rows) > 0));
        }
    }

    [TestMethod]
    [DataRow(1, 0)]
    [DataRow(64, 0)]
    [DataRow(65, 64)]
    [DataRow(128, 64)]
    [DataRow(256, 64)]
    [DataRow(512, 64 + 256)]
    [DataRow(2048, 64 + 256 + 1024)]
    public void APassBeginsWithSmallBatches(int batch, int rows) => Assert.AreEqual(rows, ReadAhead.RowsBeforeFullBatches(batch));
}
