using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Networks;

/// <summary>Networks whose first convolution does not have three input channels.</summary>
[TestClass]
public sealed class InputChannelsTests
{
    [TestMethod]
    public void KernelsAreAdaptedByTheRuleOfTimm()
    {
        var fixture = Fixture.Read("stem.json");
        using var kernels = tensor(fixture.GetProperty("kernels").Numbers(), [2, 3, 3, 3], ScalarType.Float32);
        foreach (var adapted in fixture.GetProperty("adapted").EnumerateArray())
        {
            var channels = adapted.GetProperty("channels").GetInt32();
            using var actual = InputChannels.Adapt(kernels, channels);
            CollectionAssert.AreEqual(new long[] { 2, channels, 3, 3 }, actual.shape);
            Fixture.AreClose(adapted.GetProperty("values").Numbers(), actual.Values(), 1e-6, $"{channels} channels");
        }
    }

    [TestMethod]
    public void EveryNetworkHasOneConvolutionThatThePixelsEnter()
    {
        foreach (var architecture in Architectures.All)
        {
            using var network = (Backbone.FromName(architecture.Name).FromScratch() with { InputChannels = 5 }).CreateEmptyNetwork();
            var (name, kernels) = network.named_parameters()
                .Single(named => named.parameter is { ndim: 4 } && named.parameter.shape[1] == 5);
            Assert.IsTrue(kernels.requires_grad, architecture.Name);
            Assert.IsNotNull(network.Adaptation(name, [kernels.shape[0], 3, .. kernels.shape[2..]]), architecture.Name);
            Assert.IsNull(network.Adaptation(name, [kernels.shape[0], 4, .. kernels.shape[2..]]), architecture.Name);
        }
    }

    // Of three equal channels the network sees their sum: luminance with kernels that were added gives the same.
    [TestMethod]
    public void AGreyPictureGivesWhatItGaveInColours()
    {
        using var classifier = Formula.Classifier("micro", 1, "symmetric", 1e-5);
        using var folder = new Folder();
        var path = folder.File("w.safetensors");
        WeightFileWriter.Write(path, classifier.NamedTensors(),
            new Dictionary<string, string> { ["mean"] = "0.5,0.5,0.5", ["std"] = "0.25,0.25,0.25" });
        var backbone = Backbone.Micro.WithWeights(path);
        var grey = backbone with { InputChannels = 1 };
        using var colours = backbone.CreateNetwork(seed: 0);
        var notes = new List<string>();
        using var luminance = grey.CreateNetwork(seed: 0, notes.Add);
        StringAssert.Contains(string.Join("\n", notes), "conv1.weight [16, 3, 3, 3] was adapted to [16, 1, 3, 3]");

        var size = backbone.Preprocessing.Size;
        var pixels = new byte[size * size * 3];
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)(i / 3 * 7 % 256);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        colours.eval();
        luminance.eval();
        using var inColours = new PixelNormalizer(backbone.Preprocessing, CPU);
        using var inGrey = new PixelNormalizer(grey.Preprocessing, CPU, channels: 1);
        Fixture.AreClose(colours.forward(inColours.Normalize(pixels, 1)).Values(), luminance.forward(inGrey.Normalize(pixels, 1)).Values(),
            1e-4, "features");
    }

    [TestMethod]
    public void LuminanceIsThatOfPillowAndIsNormalisedByTheAverages()
    {
        var preprocessing = new ImagePreprocessing { Size = 32 };
        var pixels = new byte[32 * 32 * 3];
        (pixels[0], pixels[1], pixels[2]) = (200, 100, 50);
        using var normalizer = new PixelNormalizer(preprocessing, CPU, channels: 1);
        using var normalized = normalizer.Normalize(pixels, 1);
        CollectionAssert.AreEqual(new long[] { 1, 1, 32, 32 }, normalized.shape);
        // 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2; the averages of ImageNet's mean and deviation are 0.449 and 0.226.
        Assert.AreEqual((124.2 / 255 - 0.449) / 0.226, normalized.Values()[0], 1e-5);
        Assert.AreEqual(-0.449 / 0.226, normalized.Values()[1], 1e-5);
    }

    [TestMethod]
    public void AGreyNetworkIsTrainedSavedAndLoaded()
    {
        var ml = new MLContext(seed: 1);
        var photos = SmallPictures.Take(6);
        using var folder = new Folder();
        var weights = folder.File("w.pth");
        byte[] zip;
        float[][] before;
        using (var model = SmallTraining.Fit(
            ml, SmallTraining.Options with { Backbone = SmallTraining.Backbone with { InputChannels = 1 }, Epochs = 1 }, photos))
        {
            zip = SmallTraining.Save(ml, model);
            before = SmallTraining.Scores(model.Transform(SmallPictures.View(ml, photos)));
            model.SaveWeights(weights);
        }
        using (var loaded = (FineTuningTransformer)ml.Model.Load(new MemoryStream(zip), out _))
            SmallTraining.AssertSameBits(before, SmallTraining.Scores(loaded.Transform(SmallPictures.View(ml, photos))));

        // What was saved with one channel is loaded as it is.
        using var network = (Backbone.Micro.WithWeights(weights) with { InputChannels = 1 }).CreateNetwork(seed: 0);
        using var file = WeightFile.Open(weights);
        using var saved = zeros(16, 1, 3, 3);
        file.Read(file.Entries.Single(entry => entry.Name == "conv1.weight"), saved);
        CollectionAssert.AreEqual(saved.Values(), network.NamedTensors().Single(named => named.Name == "conv1.weight").Tensor.Values());
    }

    [TestMethod]
    public void ImageTrainersRefuseWhatNoPictureHas()
    {
        var ml = new MLContext();
        foreach (var channels in new[] { 2, 4 })
        {
            var failure = Assert.ThrowsExactly<ArgumentException>(
                () => ml.MulticlassClassification.Trainers.FineTuneImages(Backbone.Micro.FromScratch() with { InputChannels = channels }));
            StringAssert.Contains(failure.Message,
                $"Backbone.InputChannels is {channels}, but pictures have 3 channels (colours) or 1 (luminance).");
        }
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Backbone.Micro with { InputChannels = 0 });
    }
}
