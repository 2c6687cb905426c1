using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Data;

[TestClass]
public sealed class RandomResizedCropTests
{
    [TestMethod]
    public void CropsAreDistributedAsTorchvisions()
    {
        var expected = Fixture.Read("random-resized-crop.json");
        var (width, height) = ((int)expected.Number("width"), (int)expected.Number("height"));
        var crops = Enumerable.Range(0, 10_000).Select(row => Crop(new RandomResizedCrop(), width, height, row)).ToArray();
        var quantities = new Dictionary<string, double[]>
        {
            ["area"] = [.. crops.Select(c => c.Width * c.Height / (width * height))],
            ["ratio"] = [.. crops.Select(c => c.Width / c.Height)],
            ["left"] = [.. crops.Where(c => c.Width < width).Select(c => c.X / (width - c.Width))],
            ["top"] = [.. crops.Where(c => c.Height < height).Select(c => c.Y / (height - c.Height))],
        };
        var probabilities = expected.GetProperty("probabilities").Numbers();
        foreach (var (name, values) in quantities)
        {
            var quantiles = expected.GetProperty("quantiles").GetProperty(name).Numbers();
            for (var i = 0; i < quantiles.Length; i++)
            {
                // Two samples of 10,000: 0.0276 is the Kolmogorov-Smirnov distance that one pair in a thousand exceeds.
                // Ties make the share a range.
                var (below, upTo) = (values.Count(v => v < quantiles[i] - 1e-5) / (double)values.Length,
                    values.Count(v => v <= quantiles[i] + 1e-5) / (double)values.Length);
                Assert.IsTrue(below - 0.0276 <= probabilities[i] && probabilities[i] <= upTo + 0.0276,
                    $"{name}: {quantiles[i]} has {below} below it, expected {probabilities[i]}");
            }

            Assert.AreEqual(expected.GetProperty("means").Number(name), values.Average(), 0.02, name);
        }
    }

    [TestMethod]
    [DataRow(500, 375)]
    [DataRow(37, 1000)]
    [DataRow(1, 1)]
    [DataRow(2, 1)]
    public void CropsLieOnWholePixelsInsideThePicture(int width, int height)
    {
        for (var row = 0; row < 500; row++)
        {
            var crop = Crop(new RandomResizedCrop(), width, height, row);
            Assert.IsTrue(crop.X >= 0 && crop.Y >= 0 && crop.Width >= 1 && crop.Height >= 1 && crop.X + crop.Width <= width
                && crop.Y + crop.Height <= height);
            foreach (var edge in new[] { crop.X, crop.Y, crop.Width, crop.Height })
                Assert.AreEqual(Math.Round(edge), edge);
        }
    }

    [TestMethod]
    [DataRow(1000, 10, 493.0, 0.0, 13.0, 10.0)]
    [DataRow(10, 1000, 0.0, 493.0, 10.0, 13.0)]
    public void OfAnExtremeAspectTheLargestCentralPartIsTaken(
        int width, int height, double x, double y, double cropWidth, double cropHeight)
    {
        // No crop of half the area fits at these ratios, so that all ten attempts fail. 13 = round(10 * 4 / 3).
        var crop = Crop(new RandomResizedCrop(minimumArea: 0.5f), width, height, 0);
        Assert.AreEqual((x, y, cropWidth, cropHeight), (crop.X, crop.Y, crop.Width, crop.Height));
    }

    [TestMethod]
    public void ACropOfACropStaysInsideIt()
    {
        var twice = Augmentation.Sequence(new RandomResizedCrop(0.25f, 0.25f, 1, 1), new RandomResizedCrop(0.25f, 0.25f, 1, 1));
        for (var row = 0; row < 100; row++)
        {
            var crop = Crop(twice, 400, 400, row);
            Assert.AreEqual((100.0, 100.0), (crop.Width, crop.Height));
            Assert.IsTrue(crop.X is >= 0 and <= 300 && crop.Y is >= 0 and <= 300);
        }
    }

    [TestMethod]
    [DataRow(0f, 1f, 1f, 1f, "areas")]
    [DataRow(0.5f, 0.4f, 1f, 1f, "areas")]
    [DataRow(0.5f, 1.1f, 1f, 1f, "areas")]
    [DataRow(float.NaN, 1f, 1f, 1f, "areas")]
    [DataRow(0.5f, 1f, 0f, 1f, "aspect ratios")]
    [DataRow(0.5f, 1f, 2f, 1f, "aspect ratios")]
    [DataRow(0.5f, 1f, 1f, float.PositiveInfinity, "aspect ratios")]
    [DataRow(0.5f, 1f, 1f, float.NaN, "aspect ratios")]
    public void RangesThatMakeNoSenseAreRefused(
        float minimumArea, float maximumArea, float minimumRatio, float maximumRatio, string what) =>
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(
                () => new RandomResizedCrop(minimumArea, maximumArea, minimumRatio, maximumRatio)).Message, what);

    private static ImagePlan Crop(Augmentation augmentation, int width, int height, int row)
    {
        var plan = ImagePlan.Whole(width, height, new ImagePreprocessing());
        var random = new CountedRandom(1, RandomStream.Augmentation, 1, row);
        augmentation.Apply(ref plan, ref random);
        return plan;
    }
}
