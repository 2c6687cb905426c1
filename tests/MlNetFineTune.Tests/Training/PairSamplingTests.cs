using MlNetFineTune.Data;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Training;

/// <summary>Pairs of rows: how they are drawn, their batches, and their loss.</summary>
[TestClass]
public sealed class PairSamplingTests
{
    private const int Seed = 7;

    // Row numbers are not places.
    private static readonly int[] s_rows = [.. Enumerable.Range(0, 60).Select(place => 3 * place + 1)];

    public static IEnumerable<object[]> Classes =>
    [
        ["two even classes", (Func<int, float>)(place => place % 2)],
        ["five even classes", (Func<int, float>)(place => place % 5)],
        ["one large class", (Func<int, float>)(place => place < 48 ? 2 : place % 3 == 0 ? 0 : 1)],
        ["a class of one row", (Func<int, float>)(place => place == 30 ? 9 : place % 2)],
        ["one class", (Func<int, float>)(_ => 4)],
        ["classes of one and two rows", (Func<int, float>)(place => place < 40 ? place / 2 : place)],
    ];

    [TestMethod]
    [DynamicData(nameof(Classes))]
    public void EveryRowBeginsAPairOfEachKindAndIsNeverPairedWithItself(string what, Func<int, float> classOf)
    {
        var (sampling, classes) = SamplingOf(classOf);
        var counts = classes.Values.CountBy(of => of).ToDictionary();
        for (var epoch = 1; epoch <= 5; epoch++)
        {
            var pairs = sampling.Draw(Seed, epoch);
            foreach (var pair in pairs)
            {
                Assert.AreNotEqual(pair.First, pair.Second, what);
                Assert.AreEqual(classes[pair.First] == classes[pair.Second], pair.SameClass, what);
            }
            foreach (var (row, ofRow) in classes)
            {
                var begun = pairs.Where(pair => pair.First == row).ToList();
                Assert.AreEqual(counts[ofRow] > 1 ? 1 : 0, begun.Count(pair => pair.SameClass), what);
                Assert.AreEqual(counts.Count > 1 ? 1 : 0, begun.Count(pair => !pair.SameClass), what);
                Assert.AreEqual(counts[ofRow] > 1 ? 1 : 0, pairs.Count(pair => pair.SameClass && pair.Second == row), what);
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(Classes))]
    public void TheRowsOfOtherClassesComeAboutEquallyOften(string what, Func<int, float> classOf)
    {
        var (sampling, classes) = SamplingOf(classOf);
        var taken = new Dictionary<(float Class, int Row), int>();
        for (var epoch = 1; epoch <= 40; epoch++)
        {
            foreach (var pair in sampling.Draw(Seed, epoch).Where(pair => !pair.SameClass))
            {
                var key = (classes[pair.First], pair.Second);
                taken[key] = taken.GetValueOrDefault(key) + 1;
            }
        }
        // Of the rows that one class takes, none comes twice before all came.
        foreach (var ofClass in taken.GroupBy(one => one.Key.Class))
        {
            var others = classes.Values.Count(other => other != ofClass.Key);
            var most = ofClass.Max(one => one.Value);
            var least = ofClass.Count() == others ? ofClass.Min(one => one.Value) : 0;
            Assert.IsLessThanOrEqualTo(1, most - least, $"{what}, class {ofClass.Key}");
        }
    }

    [TestMethod]
    public void AllPairsOfASmallSetComeEquallyOften()
    {
        var sampling = new PairSampling([0, 1, 2, 3, 4, 5, 6, 7], [0, 0, 0, 0, 1, 1, 1, 1]);
        const int Epochs = 3000;
        var counts = Enumerable.Range(1, Epochs).SelectMany(epoch => sampling.Draw(Seed, epoch)).CountBy(pair => pair).ToList();
        Assert.HasCount(8 * 3 + 8 * 4, counts);
        // A third of the epochs for each partner of the class, a quarter for each of the other; six standard deviations.
        foreach (var (pair, count) in counts)
        {
            var share = pair.SameClass ? 1 / 3.0 : 1 / 4.0;
            Assert.AreEqual(Epochs * share, count, 6 * Math.Sqrt(Epochs * share * (1 - share)), $"{pair}");
        }
    }

    [TestMethod]
    public void PairsDependOnSeedAndEpochAlone()
    {
        var (sampling, _) = SamplingOf(place => place % 5);
        var third = sampling.Draw(Seed, epoch: 3);
        CollectionAssert.AreEqual(third, SamplingOf(place => place % 5).Sampling.Draw(Seed, epoch: 3), "without earlier epochs");
        CollectionAssert.AreNotEqual(third, sampling.Draw(Seed, epoch: 4));
        CollectionAssert.AreNotEqual(third, sampling.Draw(Seed + 1, epoch: 3));
        CollectionAssert.AreNotEqual(third, third.OrderBy(pair => pair.First).ToArray(), "in random order");
    }

    [TestMethod]
    public void ABatchHasEachOfItsRowsOnceAndItsLimitsSplitItWithinItsStep()
    {
        const int Limit = 100;
        var rows = new TextDataset(
            length: 4, [.. Enumerable.Repeat(new byte[4], 200)], steps: [.. Enumerable.Range(1, 200)],
            [.. Enumerable.Repeat("", 200)], texts: null, storage: null);
        var pairs = SamplingOf(place => place % 5).Sampling.Draw(Seed, epoch: 1);
        var plain = PairBatches.Of(pairs, batchSize: 8, batchesOfStep: 2, new LengthBuckets(rows, 8, maxTokens: null));
        var limited = PairBatches.Of(pairs, batchSize: 8, batchesOfStep: 2, new LengthBuckets(rows, 8, Limit));

        Assert.AreEqual(pairs.Length / 8, plain.Steps);
        Assert.AreEqual(plain.Steps, limited.Steps);
        foreach (var order in new[] { plain, limited })
        {
            CollectionAssert.AreEqual(pairs, order.Pairs!.SelectMany(batch => batch).ToArray());
            foreach (var (batch, ofBatch) in order.Batches.Zip(order.Pairs!))
            {
                CollectionAssert.AllItemsAreUnique(batch);
                CollectionAssert.AreEquivalent(
                    ofBatch.SelectMany(pair => new[] { pair.First, pair.Second }).Distinct().ToArray(), batch);
                Assert.IsLessThanOrEqualTo(4, ofBatch.Length);
            }
        }
        foreach (var (batch, ofBatch) in limited.Batches.Zip(limited.Pairs!))
            Assert.IsTrue(ofBatch.Length == 1 || batch.Length * (batch.Max() + 1) <= Limit, string.Join(' ', batch));
        Assert.IsGreaterThan(plain.Batches.Length, limited.Batches.Length);
        Assert.HasCount(pairs.Length, PairBatches.Of(pairs, batchSize: 1, 1, new LengthBuckets(rows, 1, null)).Batches, "a pair at least");
    }

    [TestMethod]
    public void TheLossAndItsGradientAreThoseOfPyTorch()
    {
        foreach (var expected in Fixture.Read("contrastive.json").GetProperty("cases").EnumerateArray())
        {
            using var scope = NewDisposeScope();
            using var single = tensor(Formula.Values("contrastive.features", [6, 5]), [6, 5]);
            var features = single.to_type(ScalarType.Float64).mul_(2).requires_grad_();
            RowPair[] pairs = [.. expected.GetProperty("pairs").EnumerateArray().Select(pair => pair.Numbers())
                .Select(pair => new RowPair((int)pair[0], (int)pair[1], pair[2] == 1))];
            var weights = expected.GetProperty("weights");

            var loss = PairLoss.Mean(
                features, pairs, weights.ValueKind == System.Text.Json.JsonValueKind.Null ? null : LossFixture.Floats(weights));
            loss.backward();

            Fixture.AreClose([expected.Number("loss")], loss.Values(), 1e-9, "loss");
            Fixture.AreClose(expected.GetProperty("gradient").Numbers(), features.grad!.Values(), 1e-9, "gradient");
            features.grad = null;
        }
    }

    [TestMethod]
    public void NoPairAndOnlyWeightsOfZeroHaveALossOfZero()
    {
        using var scope = NewDisposeScope();
        var features = tensor(new float[] { 1, 2, 3, 4 }, [2, 2], ScalarType.Float32).requires_grad_();
        var none = PairLoss.Mean(features, []);
        var weightless = PairLoss.Mean(features, [new RowPair(0, 1, SameClass: true)], [0]);
        Assert.AreEqual(0, none.item<float>());
        Assert.AreEqual(0, weightless.item<float>());
        Assert.IsTrue(none.requires_grad);
    }

    private static (PairSampling Sampling, Dictionary<int, float> Classes) SamplingOf(Func<int, float> classOf)
    {
        float[] labels = [.. s_rows.Select((_, place) => classOf(place))];
        return (new PairSampling(s_rows, labels), s_rows.Zip(labels).ToDictionary(row => row.First, row => row.Second));
    }
}
