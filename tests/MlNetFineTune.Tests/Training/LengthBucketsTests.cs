using MlNetFineTune.Data;
using MlNetFineTune.Primitives;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Training;

/// <summary>Batches of rows of similar length.</summary>
[TestClass]
public sealed class LengthBucketsTests
{
    private const int Rows = 300, BatchSize = 16;

    private readonly TextDataset _rows = new(
        length: 4 * (2 + Rows), [.. Enumerable.Range(1, Rows).Select(Encoded)], steps: [.. Enumerable.Range(1, Rows)],
        [.. Enumerable.Repeat("", Rows)], texts: null, storage: null);

    [TestMethod]
    public void EpochsOfSmallDataShareFewBatches()
    {
        var (first, second) = (Batches(epoch: 1), Batches(epoch: 2));
        Assert.HasCount(19, first);
        Assert.IsLessThan(3, first.Intersect(second).Count());
    }

    [TestMethod]
    public void EveryRowIsInOneBatchOfAnEpochAndLittleIsPadding()
    {
        var buckets = new LengthBuckets(_rows, BatchSize, maxTokens: null);
        var order = buckets.Steps(Shuffled(1), batchesOfStep: 1, seed: 1, epoch: 1);
        CollectionAssert.AreEqual(
            Enumerable.Range(0, Rows).ToArray(), order.Batches.SelectMany(batch => batch).Order().ToArray());
        var plain = EpochOrder.Of(Shuffled(1), BatchSize, batchesOfStep: 1);
        Assert.IsLessThan(buckets.Padding(plain.Batches) / 2, buckets.Padding(order.Batches));
    }

    [TestMethod]
    public void WithoutSortingStepsKeepTheirRowsAndTheLimitHolds()
    {
        var (limited, plain) = (
            new LengthBuckets(_rows, BatchSize, maxTokens: 1000).Unsorted(Shuffled(1), batchesOfStep: 2),
            EpochOrder.Of(Shuffled(1), BatchSize, batchesOfStep: 2));
        Assert.AreEqual(plain.Steps, limited.Steps);
        Assert.IsGreaterThan(plain.Batches.Length, limited.Batches.Length);
        Assert.IsTrue(limited.Batches.All(batch => batch.Length * (batch.Max() + 1) <= 1000));
        for (var step = 0; step < plain.Steps; step++)
        {
            CollectionAssert.AreEqual(
                plain.RowsOfStep(Array.IndexOf(plain.StepOf, step)).Order().ToArray(),
                limited.RowsOfStep(Array.IndexOf(limited.StepOf, step)).Order().ToArray());
        }
    }

    private string[] Batches(int epoch) =>
        [.. new LengthBuckets(_rows, BatchSize, maxTokens: null).Steps(Shuffled(epoch), batchesOfStep: 1, seed: 1, epoch)
            .Batches.Select(batch => string.Join(' ', batch.Order()))];

    private static int[] Shuffled(int epoch)
    {
        int[] rows = [.. Enumerable.Range(0, Rows)];
        new CountedRandom(1, RandomStream.Shuffle, epoch, ordinal: 0).Shuffle<int>(rows);
        return rows;
    }

    private static byte[] Encoded(int tokens)
    {
        var row = new byte[4 * (2 + tokens)];
        TokenRows.Write(new int[tokens], tokens, row);
        return row;
    }
}
