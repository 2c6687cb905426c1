using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Processes;

/// <summary>The masks of a row do not depend on the batch in which it is.</summary>
[TestClass]
public sealed class RowDropoutTests
{
    private static readonly int[] s_rows = [40, 7, 1000, 3];

    [TestMethod]
    public void ASliceOfABatchIsDroppedAsInTheWholeBatch()
    {
        using var scope = NewDisposeScope();
        foreach (var input in (Tensor[])[
            ones(4, 100, ScalarType.Float32), ones(4, 9, 33, ScalarType.Float64),
            ones(4, 5, 6, 7, ScalarType.Float32), ones(4, 6, 7, 5, ScalarType.Float32).permute(0, 3, 1, 2)])
        {
            var whole = Of(s_rows).Apply(input, 0.5);
            var slice = Of(s_rows[1..3]).Apply(input.narrow(0, 1, 2), 0.5);
            CollectionAssert.AreEqual(whole.narrow(0, 1, 2).Values(), slice.Values());
            CollectionAssert.AreEqual(input.shape, whole.shape);
            Assert.AreEqual(input.dtype, whole.dtype);
            Assert.IsTrue(whole.Values().All(value => value is 0 or 2), "dropped, or scaled by 1 / (1 - p)");
            var rows = Enumerable.Range(0, 4).Select(row => string.Join(' ', whole[row].Values())).Distinct();
            Assert.HasCount(4, rows.ToList(), "rows differ");
        }
    }

    [TestMethod]
    public void MorePaddingDoesNotChangeTheMasksOfTokens()
    {
        using var scope = NewDisposeScope();
        var dropout = Of(s_rows);
        var shortest = dropout.Apply(ones(4, 5, 16, ScalarType.Float32), 0.3);
        var longest = dropout.Apply(ones(4, 8, 16, ScalarType.Float32), 0.3);
        CollectionAssert.AreEqual(shortest.Values(), longest.narrow(1, 0, 5).Values());

        var (few, many) = (Attention(dropout, 5), Attention(dropout, 40));
        CollectionAssert.AreEqual(few.Values(), many.narrow(2, 0, 5).narrow(3, 0, 5).Values());
        Assert.AreNotEqual(string.Join(' ', few.select(1, 0).Values()), string.Join(' ', few.select(1, 1).Values()), "heads differ");

        // All tokens of all rows in one dimension, as a layer of a module may have them.
        var flat = dropout.Apply(ones(4 * 5, 16, ScalarType.Float32), 0.3);
        CollectionAssert.AreEqual(shortest.Values(), flat.Values());
    }

    [TestMethod]
    public void WindowsOfARowHaveTheirOwnMasksWhereverTheyAre()
    {
        using var scope = NewDisposeScope();
        var whole = new TrainingRows(s_rows, Windows: [1, 3, 2, 1]);
        var all = Of(whole).Apply(ones(7, 4, 16, ScalarType.Float32), 0.5);
        var some = Of(new TrainingRows(s_rows[1..3], Windows: [3, 2])).Apply(ones(5, 4, 16, ScalarType.Float32), 0.5);
        CollectionAssert.AreEqual(all.narrow(0, 1, 5).Values(), some.Values());
        Assert.AreNotEqual(string.Join(' ', all[1].Values()), string.Join(' ', all[2].Values()), "windows differ");

        // Vectors of words have a row in the first dimension again.
        var words = ones(4, 6, 16, ScalarType.Float32);
        CollectionAssert.AreEqual(Of(s_rows).Apply(words, 0.5).Values(), Of(whole).Apply(words, 0.5).Values());
    }

    [TestMethod]
    public void SeedsStepsPartsAndSitesHaveTheirOwnMasksAndNoGeneratorIsTouched()
    {
        using var scope = NewDisposeScope();
        using var before = get_rng_state();
        var rows = new TrainingRows(s_rows);
        var masks = ((RowDropout Dropout, int Site)[])
        [
            (new(1, RandomStream.TextDropout, part: 0, step: 0, rows, rank: 0), 0),
            (new(2, RandomStream.TextDropout, part: 0, step: 0, rows, rank: 0), 0),
            (new(1, RandomStream.AdapterDropout, part: 0, step: 0, rows, rank: 0), 0),
            (new(1, RandomStream.TextDropout, part: 1, step: 0, rows, rank: 0), 0),
            (new(1, RandomStream.TextDropout, part: 0, step: 1, rows, rank: 0), 0),
            (new(1, RandomStream.TextDropout, part: 0, step: 0, rows, rank: 0), 1),
        ];
        string[] Texts() => [.. masks.Select(mask =>
            string.Join(' ', mask.Dropout.Apply(ones(4, 50, ScalarType.Float32), 0.5, mask.Site).Values()))];

        var first = Texts();
        Assert.HasCount(masks.Length, first.Distinct().ToList());
        CollectionAssert.AreEqual(first, Texts(), "as often as it is asked for");
        using var after = get_rng_state();
        CollectionAssert.AreEqual(before.data<byte>().ToArray(), after.data<byte>().ToArray());
    }

    [TestMethod]
    public void WhatIsNotOfRowsIsDrawnByEachProcessAlone()
    {
        using var scope = NewDisposeScope();
        var rows = new TrainingRows(s_rows);
        var (first, second) = (Of(rank: 0), Of(rank: 1));
        Assert.AreNotEqual(first, second);

        string Of(int rank) => string.Join(' ', new RowDropout(1, RandomStream.AdapterDropout, part: 0, step: 0, rows, rank)
            .Apply(ones(7, 20, ScalarType.Float32), 0.5).Values()); // 7 is no multiple of 4 rows
    }

    private static Tensor Attention(RowDropout dropout, int tokens) =>
        dropout.ApplyToAttention(ones(4, 2, tokens, tokens, ScalarType.Float32), 0.3, site: 0);

    private static RowDropout Of(int[] rows) => Of(new TrainingRows(rows));

    private static RowDropout Of(TrainingRows rows) => new(seed: 1, RandomStream.TextDropout, part: 2, step: 5, rows, rank: 0);
}
