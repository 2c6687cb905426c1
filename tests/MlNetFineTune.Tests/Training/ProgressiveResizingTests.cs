using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Onnx;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Training;

/// <summary>The first epochs have smaller pictures; the last, validation, features that are kept and teachers have whole ones.</summary>
[TestClass]
public sealed class ProgressiveResizingTests
{
    private static readonly Backbone s_backbone =
        SmallTraining.Backbone with { Preprocessing = SmallTraining.Backbone.Preprocessing with { Size = 48 } };

    private static readonly ImageFineTuningOptions s_plain = SmallTraining.Options with { Backbone = s_backbone, Epochs = 3 };

    private static readonly ImageFineTuningOptions s_options = s_plain with { ProgressiveResizing = new() { Size = 32 } };

    private readonly MLContext _ml = new();
    private readonly Photo[] _photos = SmallPictures.Take(4);

    [TestMethod]
    public void PicturesAreResizedAsByPyTorch()
    {
        var expected = Fixture.Read("resizing.json");
        var resizing = new ProgressiveResizing { Size = (int)expected.Number("size") };

        using var small = resizing.Resize(Formula.Images(1, 45, 45));

        CollectionAssert.AreEqual(new long[] { 1, 3, 32, 32 }, small.Activations.shape);
        Fixture.AreClose(expected.GetProperty("pixels").Numbers(), small.Activations.Values(), 1e-5, "pixels");
        using var lines = small.Activations.permute(0, 2, 3, 1);
        Assert.IsTrue(lines.is_contiguous(), "channels-last, as the networks compute fastest");
    }

    [TestMethod]
    public void TheFirstEpochsHaveTheSamePicturesSmallerAndTheLastHasThemWhole()
    {
        var whole = Read(resizing: null);
        var read = Read(s_options.ProgressiveResizing);

        for (var epoch = 1; epoch <= 3; epoch++)
        {
            using var expected = epoch == 3
                ? whole[epoch - 1].Activations.alias()
                : nn.functional.interpolate(whole[epoch - 1].Activations, [32, 32], mode: InterpolationMode.Bilinear,
                    align_corners: false, antialias: true);
            CollectionAssert.AreEqual(expected.shape, read[epoch - 1].Activations.shape);
            Fixture.AreClose(expected.Values(), read[epoch - 1].Activations.Values(), 1e-6, $"pixels of epoch {epoch}");
            CollectionAssert.AreEqual(whole[epoch - 1].Logits, read[epoch - 1].Logits, "a teacher sees whole pictures");
        }
        foreach (var (activations, _) in whole.Concat(read))
            activations.Dispose();
    }

    [TestMethod]
    public void OtherWeightsAreTrainedAndEachTimeTheSame()
    {
        var plain = WeightsOf(s_plain);
        var resized = WeightsOf(s_options with { Workers = 1 });

        CollectionAssert.AreNotEqual(plain, resized);
        CollectionAssert.AreEqual(resized, WeightsOf(s_options with { Workers = 3 }));
        CollectionAssert.AreNotEqual(resized, WeightsOf(s_options with { ProgressiveResizing = new() { Size = 32, FullSizeEpochs = 2 } }));
    }

    [TestMethod]
    public void ValidationAndScoringHaveWholePictures()
    {
        using var earlier = SmallTraining.Fit(_ml, s_plain, _photos);
        // Weights that hardly change: the losses are those of the pictures. A batch norm needs statistics to be frozen.
        var still = s_plain with
        {
            Backbone = Backbone.FromModel(earlier),
            Validation = ValidationData.Fraction(0.25f),
            LearningRate = 1e-30f,
            BatchNorm = BatchNormMode.Frozen,
        };
        using var without = SmallTraining.Fit(_ml, still, _photos);
        using var with = SmallTraining.Fit(_ml, still with { ProgressiveResizing = s_options.ProgressiveResizing }, _photos);

        var (expected, actual) = (without.Report!.Epochs, with.Report!.Epochs);
        CollectionAssert.AreEqual(
            expected.Select(epoch => epoch.ValidationLoss).ToList(), actual.Select(epoch => epoch.ValidationLoss).ToList());
        Assert.AreNotEqual(expected[0].Loss, actual[0].Loss);
        Assert.AreNotEqual(expected[1].Loss, actual[1].Loss);
        Assert.AreEqual(expected[2].Loss, actual[2].Loss, 1e-6, "the last epoch");
        var rows = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, _photos));
        SmallTraining.AssertSameBits(SmallTraining.Scores(without.Transform(rows)), SmallTraining.Scores(with.Transform(rows)));
    }

    [TestMethod]
    public void FeaturesThatAreKeptAreThoseOfWholePictures() => CollectionAssert.AreEqual(
        WeightsOf(s_plain with { Strategy = Strategy.HeadOnly }), WeightsOf(s_options with { Strategy = Strategy.HeadOnly }));

    [TestMethod]
    public void EarlyStoppingWaitsForTheWholePictures()
    {
        var never = s_plain with
        {
            Epochs = 6,
            LearningRate = 1e-30f, // no epoch is better than the first
            Validation = ValidationData.Fraction(0.25f),
            BatchNorm = BatchNormMode.Frozen,
            EarlyStoppingPatience = 1,
        };
        using var earlier = SmallTraining.Fit(_ml, s_plain, _photos);
        never = never with { Backbone = Backbone.FromModel(earlier) };
        using var plain = SmallTraining.Fit(_ml, never, _photos);
        using var resized = SmallTraining.Fit(
            _ml, never with { ProgressiveResizing = new() { Size = 32, FullSizeEpochs = 2 } }, _photos);

        Assert.HasCount(2, plain.Report!.Epochs);
        Assert.HasCount(5, resized.Report!.Epochs, "four smaller ones, and the first whole one is not better");
    }

    [TestMethod]
    public void TheLogSaysIt()
    {
        var log = new LogLines(_ml);
        using var model = SmallTraining.Fit(_ml, s_options, _photos);

        StringAssert.Contains(log.ToString(), "pictures of 32 pixels, in the last epoch of full size");
    }

    [TestMethod]
    public void WhatDoesNotFitIsRefusedBeforeAnyRowIsRead()
    {
        Refused(s_options with { ProgressiveResizing = new() { Size = 48 } }, "is 48, but the pictures of ", " have 48 pixels");
        Refused(s_options with { ProgressiveResizing = new() { Size = 32, FullSizeEpochs = 3 } },
            "FullSizeEpochs is 3, but there are 3 epochs");
        Refused(s_options with { FrozenEngine = FrozenEngine.OnnxRuntime }, "FrozenEngine.OnnxRuntime computes pictures of one size");
        Refused(s_options with { Backbone = Backbone.ViT(Backbone.Size.Tiny).FromScratch(), ProgressiveResizing = new() },
            "ProgressiveResizing.Size is 160, but ", "does not compute pictures of that size");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new ProgressiveResizing { Size = 31 });
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new ProgressiveResizing { FullSizeEpochs = 0 });
    }

    private void Refused(ImageFineTuningOptions options, params string[] words)
    {
        var e = Assert.ThrowsExactly<ArgumentException>(() => _ml.MulticlassClassification.Trainers.FineTuneImages(options));
        foreach (var word in words)
            StringAssert.Contains(e.Message, word);
    }

    private byte[] WeightsOf(ImageFineTuningOptions options)
    {
        using var model = SmallTraining.Fit(_ml, options, _photos);
        return SmallTraining.WeightsOf(model);
    }

    // The inputs of one batch in each of three epochs; the caller disposes the tensors.
    private List<(Tensor Activations, double[] Logits)> Read(ProgressiveResizing? resizing)
    {
        var augmentation = Augmentation.Sequence(Augmentation.RandomResizedCrop(), Augmentation.MixUp(1));
        using var model = SmallTraining.Fit(_ml, s_plain with { Epochs = 1 }, _photos);
        using var teacher = new Teacher(((IFineTunedModel)model).AsSource(), [0, 1, 2],
            new PictureForm(s_backbone.Preprocessing, s_backbone.InputChannels), "student", CPU);
        using var fit = new FitScope(_ml, "test", "test", seed: 1);
        var view = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, _photos));
        using var data = TrainingData.Read(fit.Host, fit.Channel, view, s_options, s_options.CreateInput(),
            new ClassLabels("Label", LabelKeys.Of(view.Schema["Label"])), fit.Seed);
        using var student = ImageNetwork.Create(s_backbone, 3, seed: 1);
        using var encoder = new FrozenEncoder(student, s_options.CreateInput(), stages: 0, fit.Seed, workers: 2);
        var inputs = new RowInputs(encoder, data.Training, new RowViews(data.Training.Source, augmentation, fit.Seed), epochs: 3,
            new BadRowLog(BadRows.Throw, fit.Channel), CancellationToken.None, teacher, resizing: resizing);
        return [.. Enumerable.Range(1, 3).Select(epoch =>
        {
            using var input = inputs.Read([[3, 1, 4, 7]], epoch).Single();
            return (input.Inputs!.Activations.alias(), input.TeacherLogits!.Values());
        })];
    }
}
