using System.Text.RegularExpressions;
using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using SkiaSharp;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Reporting;

/// <summary>The sheet of training pictures: those that the network received, and nothing of the training changes by it.</summary>
[TestClass]
public sealed class BatchSheetTests
{
    private static readonly Augmentation s_augmentation = Augmentation.Sequence(
        Augmentation.RandomResizedCrop(), Augmentation.HorizontalFlip(), Augmentation.RandomErasing(0.7f, noise: true),
        Augmentation.MixUp(1, probability: 1));

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void ItsPixelsAndSharesAreThoseOfTheFirstBatch()
    {
        var sheet = new BatchSheet(Form(channels: 3));
        var (batches, _) = Read(s_augmentation, sheet);

        var page = sheet.Pages.Single();
        Assert.IsTrue(page.IsAugmented);
        CollectionAssert.AreEqual(batches[0].Rows, page.Pictures.Select(picture => picture.Row).ToArray());
        var (means, scales) = PixelNormalizer.MeansAndScales(SmallTraining.Backbone.Preprocessing, 3);
        var clipped = 0;
        foreach (var (place, picture) in page.Pictures.Index())
        {
            Assert.AreEqual(batches[0].Mix!.Partners[place], picture.Partner);
            Assert.AreEqual(batches[0].Mix!.Share, picture.Share);
            for (var at = 0; at < 32 * 32 * 3; at++)
            {
                // [3, H, W] of the network, [H, W, 3] of the sheet
                var value = batches[0].Pixels[(place * 3 + at % 3) * 32 * 32 + at / 3] / scales[at % 3] + means[at % 3];
                clipped += value is < -0.5f or > 255.5f ? 1 : 0;
                Assert.AreEqual(Math.Clamp(value, 0, 255), picture.Rgb[at], 0.5 + 1e-3);
            }
        }
        Assert.IsGreaterThan(0, clipped, "the noise that is drawn over pictures goes beyond white");
    }

    [TestMethod]
    public void WithoutAugmentationItsPixelsAreTheDecodedOnes()
    {
        var sheet = new BatchSheet(Form(channels: 3));
        var (_, decoded) = Read(Augmentation.None, sheet);

        var page = sheet.Pages.Single();
        Assert.IsFalse(page.IsAugmented);
        foreach (var picture in page.Pictures)
        {
            CollectionAssert.AreEqual(decoded[picture.Row], picture.Rgb);
            Assert.AreEqual((picture.Row, 1.0), (picture.Partner, picture.Share));
        }
    }

    [TestMethod]
    public void OfALargeBatchItHasTheFirstPicturesAndOfLuminanceGreyOnes()
    {
        var sheet = new BatchSheet(Form(channels: 1));
        using var pixels = zeros(40, 1, 32, 32, ScalarType.Float32);

        sheet.Offer(pixels, [.. Enumerable.Range(0, 40)], mix: null, isAugmented: false);

        Assert.AreEqual(40, sheet.Pages.Single().Rows);
        Assert.HasCount(BatchSheet.MostPictures, sheet.Pages.Single().Pictures);
        Assert.IsTrue(sheet.Pages.Single().Pictures.All(picture => picture.Rgb.Length == 32 * 32 * 3 && picture.Rgb.All(b => b == 128)),
            "the mean is 0.5");
    }

    [TestMethod]
    public void ThePageShowsThesePicturesWithTheirLabelsWithoutLoss()
    {
        using var folder = new Folder();
        var run = folder.File("run");
        using var model = SmallTraining.Fit(_ml, SmallTraining.Options with
        {
            RunFolder = run,
            Augmentation = Augmentation.Sequence(Augmentation.HorizontalFlip(), Augmentation.CutMix()),
        }, SmallPictures.Take(4));

        var section = SectionOf(File.ReadAllText(Path.Combine(run, "report.html")));
        var pictures = Regex.Matches(section, "src=\"data:image/png;base64,([^\"]+)\"").Select(match => match.Groups[1].Value).ToList();
        Assert.HasCount(6, pictures, "two batches of 6, the first of which is shown");
        foreach (var picture in pictures)
        {
            using var bitmap = SKBitmap.Decode(Convert.FromBase64String(picture));
            Assert.AreEqual((32, 32), (bitmap.Width, bitmap.Height));
        }
        StringAssert.Contains(section, "6 of 6 pictures of the batch. Mixed pictures have the labels of both, by share.");
        var shares = Regex.Matches(section, "<bdi>(dots|rings|stripes)</bdi> <b>([0-9]+) %</b>").Select(match => match.Groups[2].Value);
        foreach (var both in shares.Select(share => int.Parse(share, System.Globalization.CultureInfo.InvariantCulture)).Chunk(2))
            Assert.AreEqual(100, both.Sum(), 1);
        StringAssert.Contains(section, "dots/0"); // the file
    }

    [TestMethod]
    public void ThePhaseThatAugmentsIsShownToo()
    {
        using var folder = new Folder();
        using var model = SmallTraining.Fit(_ml, SmallTraining.Options with
        {
            RunFolder = folder.File("run"),
            Strategy = Strategy.ProbeThenFull(0.5f),
            Augmentation = s_augmentation,
        }, SmallPictures.Take(4));

        var section = SectionOf(File.ReadAllText(folder.File("run/report.html")));
        CollectionAssert.AreEqual(
            new[] { "Not augmented", "Augmented" },
            Regex.Matches(section, "<h3>(.*?)</h3>").Select(match => match.Groups[1].Value).ToArray());
        Assert.AreEqual(12, Regex.Count(section, "<img "));
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void TheTrainedBitsAndThePageAreTheSameWithAndWithoutIt(bool frozen)
    {
        using var folder = new Folder();
        var options = SmallTraining.Options with
        {
            Augmentation = s_augmentation,
            Strategy = frozen ? Strategy.LastStages(1) : Strategy.Full(1),
            Validation = ValidationData.Fraction(0.25f),
        };

        using var plain = SmallTraining.Fit(_ml, options, SmallPictures.Take(6));
        using var shown = SmallTraining.Fit(_ml, options with { RunFolder = folder.File("1") }, SmallPictures.Take(6));
        using var again = SmallTraining.Fit(_ml, options with { RunFolder = folder.File("2"), Workers = 3 }, SmallPictures.Take(6));

        CollectionAssert.AreEqual(SmallTraining.WeightsOf(plain), SmallTraining.WeightsOf(shown));
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(plain), SmallTraining.WeightsOf(again));
        Assert.AreEqual(
            SectionOf(File.ReadAllText(folder.File("1/report.html"))), SectionOf(File.ReadAllText(folder.File("2/report.html"))));
    }

    [TestMethod]
    public void WhereFeaturesAreFoundInAFolderNoPictureWasSeen()
    {
        using var folder = new Folder();
        var options = SmallTraining.Options with
        {
            Strategy = Strategy.HeadOnly,
            FeatureCache = FeatureCache.InFolder(folder.File("cache")),
        };

        using var first = SmallTraining.Fit(_ml, options with { RunFolder = folder.File("1") }, SmallPictures.Take(4));
        using var second = SmallTraining.Fit(_ml, options with { RunFolder = folder.File("2") }, SmallPictures.Take(4));

        Assert.AreNotEqual("", SectionOf(File.ReadAllText(folder.File("1/report.html"))));
        Assert.AreEqual("", SectionOf(File.ReadAllText(folder.File("2/report.html"))));
    }

    private (List<(int[] Rows, float[] Pixels, Mix? Mix)> Batches, Dictionary<int, byte[]> Decoded) Read(
        Augmentation augmentation, BatchSheet sheet)
    {
        var options = SmallTraining.Options;
        using var fit = new FitScope(_ml, "test", "test", seed: 1);
        var view = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(4)));
        using var data = TrainingData.Read(
            fit.Host, fit.Channel, view, options, new ImageInput(options.ImageColumn, new ImageEncoder(options.Backbone.Preprocessing)),
            new ClassLabels("Label", LabelKeys.Of(view.Schema["Label"])), fit.Seed);
        using var network = ImageNetwork.Create(options.Backbone, 3, seed: 1);
        using var encoder = new FrozenEncoder(network, options.CreateInput(), stages: 0, fit.Seed, workers: 2);
        var inputs = new RowInputs(encoder, data.Training, new RowViews(data.Training.Source, augmentation, fit.Seed), epochs: 3,
            new BadRowLog(BadRows.Throw, fit.Channel), CancellationToken.None, sheet: sheet);
        var batches = new List<(int[], float[], Mix?)>();
        foreach (var input in inputs.Read([[3, 1, 4, 7], [0, 2, 5, 9]], epoch: 1))
        {
            using (input) // nothing is frozen: these are the pixels that train
                batches.Add((input.Rows, [.. input.Inputs!.Activations.Values().Select(value => (float)value)], input.Mix));
        }
        var decoded = new Dictionary<int, byte[]>();
        foreach (var row in (int[])[3, 1, 4, 7])
        {
            var rgb = new byte[data.Training.Source.Inputs.Length];
            var random = new CountedRandom(0, RandomStream.Augmentation, epoch: 0, row);
            Assert.IsNull(data.Training.Source.Inputs.Encode(row, Augmentation.None, random, rgb));
            decoded.Add(row, rgb);
        }
        return (batches, decoded);
    }

    private static PictureForm Form(int channels) => new(SmallTraining.Backbone.Preprocessing, channels);

    private static string SectionOf(string page) =>
        Regex.Match(page, "<section><h2>What the network was trained on</h2>.*?</section>", RegexOptions.Singleline).Value;
}
