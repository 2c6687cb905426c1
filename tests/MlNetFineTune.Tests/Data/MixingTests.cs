using System.Text.Json;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Data;

/// <summary>MixUp and CutMix against PyTorch's numbers and their papers' distributions (tools/reference/mixing_fixture.py).</summary>
[TestClass]
public sealed class MixingTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("mixing.json");

    private static readonly int[] s_partners = [.. s_fixture.GetProperty("partners").Numbers().Select(v => (int)v)];

    [TestMethod]
    public void PixelsLossAndGradientArePyTorchs()
    {
        var (height, width) = ((int)s_fixture.Number("height"), (int)s_fixture.Number("width"));
        foreach (var expected in s_fixture.GetProperty("cases").EnumerateArray())
        {
            using var scope = NewDisposeScope();
            var pixels = ChannelsLast(Formula.Images(4, height, width));
            var lines = pixels.permute(0, 2, 3, 1);
            var partners = tensor(s_partners, ScalarType.Int64);
            if (expected.TryGetProperty("box", out var numbers))
                CutMix.Paste(lines, partners, Box(numbers));
            else
                MixUp.Blend(lines, partners, expected.Number("share"));
            Fixture.AreClose(expected.GetProperty("mixed").Numbers(), pixels.Values(), 1e-6, "mixed pixels");

            var weight = tensor(Formula.Values("mixing.weight", [5, 3]), [5, 3], requires_grad: true);
            var logits = pixels.mean([2, 3]).matmul(weight.t());
            var labels = tensor(s_fixture.GetProperty("labels").Numbers().Select(v => (long)v).ToArray());
            var classes = nn.functional.one_hot(labels, 5).to_type(ScalarType.Float32);
            var shares = new Mix(s_partners, expected.Number("share")).Of(classes, classes.index_select(0, partners));
            var loss = ClassificationLoss.CrossEntropy((float)expected.Number("smoothing"))
                .OfEach(logits, shares, classWeights: null, training: true).mean();
            loss.backward();
            Fixture.AreClose([expected.Number("loss")], loss.Values(), 1e-6, "loss");
            Fixture.AreClose(expected.GetProperty("gradient").Numbers(), weight.grad!.Values(), 1e-6, "gradient");
            weight.grad = null;
        }
    }

    [TestMethod]
    public void MixingABatchIsWhatItsMixSays()
    {
        // The naive twin: one picture at a time, from the share and the partners that are reported.
        using var scope = NewDisposeScope();
        var original = Formula.Images(5, 6, 8);
        var mixup = ChannelsLast(original);
        var cutmix = ChannelsLast(original);
        for (var batch = 0; batch < 50; batch++)
        {
            var blended = ChannelsLast(original);
            var mix = new BatchAugmentation(new MixUp(1), seed: 3, epochs: 1).Apply(blended, [0, 1, 2, 3, 4], epoch: 1, batch)!;
            CollectionAssert.AreEquivalent(Enumerable.Range(0, 5).ToArray(), mix.Partners);
            for (var i = 0; i < 5; i++)
                Fixture.AreClose((original[i] * mix.Share + original[mix.Partners[i]] * (1 - mix.Share)).Values(), blended[i].Values(),
                    1e-6, $"picture {i}");

            var pasted = ChannelsLast(original);
            mix = new BatchAugmentation(new CutMix(), seed: 3, epochs: 1).Apply(pasted, [0, 1, 2, 3, 4], epoch: 1, batch)!;
            for (var i = 0; i < 5; i++)
            {
                if (mix.Partners[i] == i)
                    continue;
                var (own, other, seen) = (original[i].Values(), original[mix.Partners[i]].Values(), pasted[i].Values());
                Assert.IsTrue(seen.Zip(own, other).All(v => v.First == v.Second || v.First == v.Third));
                Assert.AreEqual(mix.Share, seen.Zip(own).Count(v => v.First == v.Second) / (double)own.Length, 1e-12);
            }
        }
    }

    [TestMethod]
    public void BoxesAreDistributedAsTheirAuthors()
    {
        var expected = s_fixture.GetProperty("boxes");
        var (height, width) = ((int)expected.Number("height"), (int)expected.Number("width"));
        var probabilities = expected.GetProperty("probabilities").Numbers();
        foreach (var draws in expected.GetProperty("draws").EnumerateArray())
        {
            var alpha = draws.Number("alpha");
            var boxes = Enumerable.Range(0, 10_000).Select(batch =>
            {
                var random = new CountedRandom(5, RandomStream.Mixing, 1, batch);
                return CutMix.BoxOf(random.NextBeta(alpha, alpha), height, width, ref random);
            }).ToArray();
            Assert.IsTrue(
                boxes.All(box => box is { Top: >= 0, Left: >= 0, Height: >= 0, Width: >= 0 } && box.Top + box.Height <= height
                    && box.Left + box.Width <= width));
            foreach (var (name, values) in new (string, IEnumerable<double>)[]
            {
                ("area", boxes.Select(box => box.Area / (double)(height * width))),
                ("top", boxes.Select(box => (double)box.Top)),
                ("left", boxes.Select(box => (double)box.Left)),
                ("height", boxes.Select(box => (double)box.Height)),
                ("width", boxes.Select(box => (double)box.Width)),
            })
            {
                EmpiricalDistribution.Matches(
                    draws.GetProperty("quantiles").GetProperty(name).Numbers(), probabilities, [.. values], $"{name} at alpha {alpha}");
            }
        }
    }

    [TestMethod]
    public void EachBatchTakesOneOfTwoWithEqualChanceAndThenWithItsProbability()
    {
        var batches = new BatchAugmentation(
            Augmentation.Sequence(Augmentation.Sequence(new HorizontalFlip(), new MixUp(probability: 0.8f)), new CutMix(probability: 0.5f)),
            seed: 1, epochs: 3);
        var chosen = Enumerable.Range(0, 10_000).Select(batch =>
        {
            var random = new CountedRandom(1, RandomStream.Mixing, 2, batch);
            return batches.Choose(2, ref random);
        }).ToArray();

        Assert.AreEqual(0.4, chosen.Count(mixing => mixing is MixUp) / 10_000.0, 0.02);
        Assert.AreEqual(0.25, chosen.Count(mixing => mixing is CutMix) / 10_000.0, 0.02);
    }

    [TestMethod]
    public void TheSameSeedEpochAndBatchMixAlikeAndNoOtherDoes()
    {
        var first = Mixed(1, 2, 3);

        Assert.AreEqual(first, Mixed(1, 2, 3));
        Assert.AreNotEqual(first, Mixed(2, 2, 3));
        Assert.AreNotEqual(first, Mixed(1, 3, 3));
        Assert.AreNotEqual(first, Mixed(1, 2, 4));

        static string Mixed(long seed, int epoch, int batch)
        {
            using var pixels = Formula.Images(6, 4, 4);
            var mix = new BatchAugmentation(new MixUp(), seed, epochs: 5).Apply(pixels, [0, 1, 2, 3, 4, 5], epoch, batch)!;
            return $"{string.Join(" ", mix.Partners)} {mix.Share:R}";
        }
    }

    [TestMethod]
    public void ThePlainEpochsAtTheEndAreNotMixed()
    {
        var batches = new BatchAugmentation(
            Augmentation.Sequence(new MixUp { PlainEpochs = 1 }, new CutMix { PlainEpochs = 3 }), seed: 1, epochs: 5);

        var kinds = Enumerable.Range(1, 5).Select(epoch => string.Join(" ", Enumerable.Range(0, 30).Select(batch =>
        {
            var random = new CountedRandom(1, RandomStream.Mixing, epoch, batch);
            return batches.Choose(epoch, ref random)?.GetType().Name ?? "none";
        }).Distinct().Order(StringComparer.Ordinal)));

        CollectionAssert.AreEqual(new[] { "CutMix MixUp", "CutMix MixUp", "MixUp", "MixUp", "none" }, kinds.ToArray());
    }

    [TestMethod]
    public void AnAugmentationWithoutMixingLeavesTheBatchAlone()
    {
        using var pixels = Formula.Images(2, 4, 4);
        var before = pixels.Values();

        Assert.IsNull(new BatchAugmentation(Augmentation.Light, seed: 1, epochs: 1).Apply(pixels, [0, 1], 1, 0));
        Assert.IsNull(new BatchAugmentation(new MixUp(probability: 0), seed: 1, epochs: 1).Apply(pixels, [0, 1], 1, 0));

        CollectionAssert.AreEqual(before, pixels.Values());
        using var table = tensor(new float[] { 1, 2 }, [2, 1]);
        Assert.IsNull(new BatchAugmentation(Augmentation.None, seed: 1, epochs: 1).Apply(table, [0, 1], 1, 0),
            "not only pictures come here");
    }

    [TestMethod]
    public void ValuesOutOfRangeAreRefused()
    {
        foreach (var make in (Func<float, float, Augmentation>[])[
            (alpha, probability) => new MixUp(alpha, probability), (alpha, probability) => new CutMix(alpha, probability)])
        {
            foreach (var alpha in new[] { 0, -1, float.NaN, float.PositiveInfinity })
                StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => make(alpha, 1)).Message,
                    "Alpha must be above 0.");
            foreach (var probability in new[] { -0.1f, 1.1f, float.NaN })
                StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => make(1, probability)).Message,
                    "between 0 and 1");
        }

        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new MixUp { PlainEpochs = -1 }).Message,
            "plainEpochs");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new CutMix { PlainEpochs = -1 }).Message,
            "plainEpochs");
        Assert.AreEqual((0.2f, 1f, 0), (new MixUp().Alpha, new MixUp().Probability, new MixUp().PlainEpochs));
        Assert.AreEqual((1f, 1f, 0), (new CutMix().Alpha, new CutMix().Probability, new CutMix().PlainEpochs));
    }

    private static Tensor ChannelsLast(Tensor images)
    {
        using var scope = NewDisposeScope();
        return images.permute(0, 2, 3, 1).contiguous().clone().permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    private static PixelBox Box(JsonElement numbers) => numbers.Numbers() is var n
        ? new((int)n[0], (int)n[1], (int)n[2], (int)n[3])
        : default;
}
