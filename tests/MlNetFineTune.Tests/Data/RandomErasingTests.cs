using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Data;

[TestClass]
public sealed class RandomErasingTests
{
    private const int Draws = 10_000;

    [TestMethod]
    [DataRow("usual")]
    [DataRow("narrow")]
    public void RectanglesAreDistributedAsTorchvisions(string name)
    {
        var fixture = Fixture.Read("random-erasing.json");
        var expected = fixture.GetProperty("draws").GetProperty(name);
        var (height, width) = ((int)expected.Number("height"), (int)expected.Number("width"));
        var (area, ratio) = (expected.GetProperty("area").Numbers(), expected.GetProperty("ratio").Numbers());
        var erasing = new RandomErasing(1, (float)area[0], (float)area[1], (float)ratio[0], (float)ratio[1]);
        var drawn = Enumerable.Range(0, Draws).Select(row =>
        {
            var random = Random(row);
            return erasing.BoxOf(height, width, ref random);
        }).ToArray();
        Assert.AreEqual(expected.Number("none"), drawn.Count(box => box is null) / (double)Draws, 0.015,
            "share of the pictures where nothing fits");

        var boxes = drawn.OfType<PixelBox>().ToArray();
        var probabilities = fixture.GetProperty("probabilities").Numbers();
        foreach (var (quantity, values) in new (string, IEnumerable<double>)[]
        {
            ("area", boxes.Select(box => box.Area / (double)(height * width))),
            ("ratio", boxes.Select(box => box.Height / (double)box.Width)),
            ("top", boxes.Select(box => box.Top / (double)(height - box.Height))),
            ("left", boxes.Select(box => box.Left / (double)(width - box.Width))),
        })
        {
            EmpiricalDistribution.Matches(
                expected.GetProperty("quantiles").GetProperty(quantity).Numbers(), probabilities, [.. values], quantity);
        }
    }

    [TestMethod]
    public void TheMeanFillIsTorchvisionsEraseWithZero()
    {
        var expected = Fixture.Read("random-erasing.json").GetProperty("erased");
        var box = expected.GetProperty("box").Numbers();
        using var scope = NewDisposeScope();
        var pixels = Formula.Images(1, (int)expected.Number("height"), (int)expected.Number("width"));

        new PixelBox((int)box[0], (int)box[1], (int)box[2], (int)box[3]).Of(pixels.permute(0, 2, 3, 1)).zero_();

        Fixture.AreClose(expected.GetProperty("pixels").Numbers(), pixels.Values(), 1e-6, "pixel");
    }

    [TestMethod]
    public void ItErasesTheRectangleItDrewAndNothingElse()
    {
        // The naive twin, pixel by pixel, from the same counted numbers.
        var count = 0;
        for (var row = 0; row < 1000; row++)
        {
            var erasing = new RandomErasing();
            using var scope = NewDisposeScope();
            var picture = ones(1, 16, 12, 3);
            var random = Random(row);
            erasing.Erase(picture, ref random);

            random = Random(row);
            var box = random.NextDouble() < 0.25f ? erasing.BoxOf(16, 12, ref random) ?? default : default;
            count += box.Area > 0 ? 1 : 0;
            var twin = Enumerable.Range(0, 16 * 12 * 3).Select(i => (Y: i / 36, X: i / 3 % 12))
                .Select(p => p.Y >= box.Top && p.Y < box.Top + box.Height && p.X >= box.Left && p.X < box.Left + box.Width ? 0.0 : 1.0);
            CollectionAssert.AreEqual(twin.ToArray(), picture.Values());
        }

        Assert.AreEqual(0.25, count / 1000.0, 0.05);
    }

    [TestMethod]
    public void NoiseIsStandardNormal()
    {
        // Cumulative probabilities of the normal distribution at -2, -1, ... 2.
        double[] points = [-2, -1, 0, 1, 2];
        double[] cumulative = [0.0227501, 0.1586553, 0.5, 0.8413447, 0.9772499];
        using var picture = full([1, 100, 100, 3], 99f);
        var random = Random(3);
        new RandomErasing(1, 0.3f, 0.33f, fill: ErasingFill.Noise).Erase(picture, ref random);

        var noise = picture.Values().Where(v => v != 99).ToArray();
        Assert.IsGreaterThan(9000 * 0.9, noise.Length);
        EmpiricalDistribution.Matches(points, cumulative, noise, "noise");
        Assert.AreNotEqual(noise[0], noise[3], "a pixel has its own number");
        Assert.AreNotEqual(noise[0], noise[1], "a channel has its own number");
    }

    [TestMethod]
    public void APicturesRectangleIsThatOfItsRowInWhateverBatch()
    {
        var augmentation = new BatchAugmentation(new RandomErasing(1, fill: ErasingFill.Noise), seed: 7, epochs: 3);
        using var scope = NewDisposeScope();
        var (together, reversed) = (Of(3), Of(3));
        augmentation.Apply(together, [5, 9, 2], epoch: 2, batch: 0);
        augmentation.Apply(reversed, [2, 9, 5], epoch: 2, batch: 8);

        for (var i = 0; i < 3; i++)
            CollectionAssert.AreEqual(together[i].Values(), reversed[2 - i].Values());
        Assert.IsFalse(together[0].Values().SequenceEqual(together[1].Values()), "rows differ");
        var later = Of(3);
        augmentation.Apply(later, [5, 9, 2], epoch: 3, batch: 0);
        Assert.IsFalse(together[0].Values().SequenceEqual(later[0].Values()), "epochs differ");

        static Tensor Of(int n) => ones(n, 20, 20, 3).permute(0, 3, 1, 2);
    }

    [TestMethod]
    public void ErasingComesBeforeMixing()
    {
        var erasing = new RandomErasing(1);
        using var scope = NewDisposeScope();
        var (both, apart) = (Ones(), Ones());
        var mix = new BatchAugmentation(Augmentation.Sequence(new MixUp(1), erasing), seed: 7, epochs: 1).Apply(both, [0, 1, 2], 1, 0)!;
        new BatchAugmentation(erasing, seed: 7, epochs: 1).Apply(apart, [0, 1, 2], 1, 0);
        MixUp.Blend(apart.permute(0, 2, 3, 1), tensor(mix.Partners, ScalarType.Int64), mix.Share);

        CollectionAssert.AreEqual(apart.Values(), both.Values());

        static Tensor Ones() => ones(3, 20, 20, 3).permute(0, 3, 1, 2);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void OneWorkerAndEightTrainTheSameBytes(bool noise)
    {
        var ml = new MLContext();
        var options = SmallTraining.Options with
        {
            Augmentation = Augmentation.Sequence(
            Augmentation.RandomResizedCrop(), Augmentation.RandomErasing(0.5f, noise: noise))
        };
        var expected = Train(options with { Workers = 1 });

        CollectionAssert.AreEqual(expected, Train(options with { Workers = 8 }));
        CollectionAssert.AreNotEqual(expected, Train(options with { Augmentation = Augmentation.RandomResizedCrop() }));

        byte[] Train(ImageFineTuningOptions options)
        {
            using var model = SmallTraining.Fit(ml, options, SmallPictures.Take(8));
            return SmallTraining.WeightsOf(model);
        }
    }

    [TestMethod]
    public void ValuesOutOfRangeAreRefused()
    {
        Refuses(() => new RandomErasing(1.5f), "between 0 and 1");
        Refuses(() => new RandomErasing(float.NaN), "between 0 and 1");
        Refuses(() => new RandomErasing(minimumArea: 0), "0 < minimum <= maximum <= 1");
        Refuses(() => new RandomErasing(minimumArea: 0.5f, maximumArea: 0.4f), "are 0.5 and 0.4");
        Refuses(() => new RandomErasing(maximumArea: 1.1f), "0 < minimum <= maximum <= 1");
        Refuses(() => new RandomErasing(minimumRatio: 0), "aspect ratios");
        Refuses(() => new RandomErasing(maximumRatio: float.PositiveInfinity), "aspect ratios");
        Refuses(() => new RandomErasing(fill: (ErasingFill)7), "one of Mean, Noise");
        Assert.AreEqual("RandomErasing { Probability = 0.25, MinimumArea = 0.02, MaximumArea = 0.33, MinimumRatio = 0.3, "
            + "MaximumRatio = 3.3, Fill = Mean }", FormattableString.Invariant($"{new RandomErasing()}"));

        static void Refuses(Func<object> make, string message) =>
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => make()).Message, message);
    }

    private static CountedRandom Random(int row) => new(1, RandomStream.Erasing, epoch: 1, row);
}
