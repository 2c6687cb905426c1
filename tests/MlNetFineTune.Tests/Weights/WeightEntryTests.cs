using MlNetFineTune.WeightFiles;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.WeightFiles;

/// <summary>Sizes, strides and spans, counted by hand.</summary>
[TestClass]
public sealed class WeightEntryTests
{
    [TestMethod]
    public void StridesOfRowsCountTheNumbersOfAllInnerDimensions()
    {
        CollectionAssert.AreEqual(new long[] { 12, 4, 1 }, WeightEntry.RowMajor([2, 3, 4]));
        CollectionAssert.AreEqual(new long[] { 4, 4, 1 }, WeightEntry.RowMajor([2, 0, 4]));
        Assert.IsEmpty(WeightEntry.RowMajor([]));
    }

    [TestMethod]
    public void BytesAreCountedUpToTheLargestNumber()
    {
        Assert.AreEqual(24, WeightEntry.ByteCount([2, 3], 4));
        Assert.AreEqual(8, WeightEntry.ByteCount([], 8));
        Assert.AreEqual(0, WeightEntry.ByteCount([7, 0], 8));
        Assert.AreEqual(long.MaxValue, WeightEntry.ByteCount([long.MaxValue], 1));
        Assert.IsNull(WeightEntry.ByteCount([long.MaxValue], 2));
        Assert.IsNull(WeightEntry.ByteCount([0, -1], 4));
    }

    [TestMethod]
    public void TheSpanGoesFromTheFirstNumberToTheLast()
    {
        Assert.AreEqual(6, Span([2, 3], [3, 1]));
        Assert.AreEqual(6, Span([2, 3], [1, 2]), "0 to 5: columns one after another");
        Assert.AreEqual(3, Span([4, 3], [0, 1]), "an expanded row");
        Assert.AreEqual(1, Span([], []));
        Assert.AreEqual(0, Span([5, 0], [1, 1]));

        static long Span(long[] shape, long[] strides)
        {
            using var bytes = ByteSource.OfMemory(ReadOnlyMemory<byte>.Empty);
            return new WeightEntry("a", ScalarType.Float32, shape, strides, bytes, Offset: 0).Span;
        }
    }
}
