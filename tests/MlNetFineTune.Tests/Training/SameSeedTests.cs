using Microsoft.ML;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using TorchSharp;

namespace MlNetFineTune.Tests.Training;

/// <summary>The seed decides everything, and nothing else decides anything.</summary>
[TestClass]
public sealed class SameSeedTests
{
    private static readonly ImageFineTuningOptions Options =
        SmallTraining.Options with { Augmentation = Augmentation.Light, Validation = ValidationData.Fraction(0.25f) };

    private readonly MLContext _ml = new();
    private readonly Photo[] _photos = SmallPictures.Take(8);

    [TestMethod]
    public void TheSameSeedGivesTheSameBytesWithOneWorkerAndWithFour()
    {
        var expected = Train(Options with { Workers = 1 });

        CollectionAssert.AreEqual(expected, Train(Options with { Workers = 1 }));
        CollectionAssert.AreEqual(expected, Train(Options with { Workers = 4 }));
        CollectionAssert.AreNotEqual(expected, Train(Options with { Seed = 2 }));
    }

    [TestMethod]
    public void KeptFeaturesTrainAsThoseComputedInEveryEpoch()
    {
        var options = SmallTraining.Options with { Strategy = Strategy.LastStages(1), Epochs = 3 };
        CollectionAssert.AreEqual(Train(options), Train(options with { Workers = 4 }));
        using var cached = SmallTraining.Fit(_ml, options, _photos);
        using var computed = SmallTraining.Fit(_ml, options with { FeatureCache = FeatureCache.None }, _photos);

        SmallTraining.AssertClose(Scores(cached), Scores(computed), 1e-4f);

        float[][] Scores(FineTuningTransformer model) => SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, _photos)));
    }

    [TestMethod]
    public void TheSecondFitOfAnEstimatorEqualsTheFirst()
    {
        var trainer = _ml.MulticlassClassification.Trainers.FineTuneImages(Options with { EarlyStoppingPatience = 2 });
        var view = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, _photos));
        using var first = trainer.Fit(view);
        using var second = trainer.Fit(view);

        CollectionAssert.AreEqual(SmallTraining.WeightsOf(first), SmallTraining.WeightsOf(second));
        CollectionAssert.AreEqual(first.Report!.Epochs.Select(epoch => epoch with { Seconds = 0 }).ToArray(),
            second.Report!.Epochs.Select(epoch => epoch with { Seconds = 0 }).ToArray());
    }

    [TestMethod]
    public void TheContextsSeedCountsAndTheOptionsSeedBeatsIt()
    {
        var (seven, eight) = (new MLContext(seed: 7), new MLContext(seed: 8));
        var expected = Train(Options with { Seed = 7 });

        CollectionAssert.AreEqual(expected, Train(Options with { Seed = null }, seven));
        CollectionAssert.AreNotEqual(expected, Train(Options with { Seed = null }, eight));
        CollectionAssert.AreEqual(expected, Train(Options with { Seed = 7 }, eight));
        CollectionAssert.AreEqual(Train(Options with { Seed = 0 }), Train(Options with { Seed = null }));
    }

    [TestMethod]
    public void TrainingAndScoringDoNotTouchTheProcessWideGenerator()
    {
        using var before = torch.get_rng_state();

        using var model = SmallTraining.Fit(_ml, Options, _photos);
        SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, _photos)));
        using var engine = _ml.Model.CreatePredictionEngine<Photo, Prediction>(
            model, new PredictionEngineOptions { OwnsTransformer = false });
        engine.Predict(_photos[0]);
        using var loaded = SmallTraining.LoadModel(_ml);

        using var after = torch.get_rng_state();
        CollectionAssert.AreEqual(before.bytes.ToArray(), after.bytes.ToArray());
    }

    [TestMethod]
    public void DrawingFromTheProcessWideGeneratorAndPredictingDuringATrainingDoNotChangeIt()
    {
        var expected = Train(Options);
        using var other = SmallTraining.LoadModel(_ml);
        using var generator = torch.get_rng_state();

        var disturbed = Train(Options with
        {
            Progress = new Watcher(_ =>
            {
                using var drawn = torch.rand(3);
                using var engine = _ml.Model.CreatePredictionEngine<Photo, Prediction>(
                    other, new PredictionEngineOptions { OwnsTransformer = false });
                Assert.HasCount(3, engine.Predict(_photos[0]).Score);
            }),
        });

        torch.set_rng_state(generator);
        CollectionAssert.AreEqual(expected, disturbed);
    }

    [TestMethod]
    public void AFileSortedByLabelTrainsAsWellAsAShuffledOne()
    {
        var photos = SmallPictures.Take(16);
        foreach (var order in (Photo[][])[
            [.. photos.OrderBy(photo => photo.Label, StringComparer.Ordinal)],
            [.. photos.OrderBy(photo => Path.GetFileName(photo.ImagePath)[1])]])
        {
            using var model = SmallTraining.Fit(_ml, SmallTraining.Options with { Epochs = 6 }, order);
            var test = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(10, skip: 20)));
            Assert.IsGreaterThanOrEqualTo(0.85, _ml.MulticlassClassification.Evaluate(model.Transform(test)).MicroAccuracy);
        }
    }

    private byte[] Train(ImageFineTuningOptions options, MLContext? ml = null)
    {
        using var model = SmallTraining.Fit(ml ?? _ml, options, _photos);
        return SmallTraining.WeightsOf(model);
    }

    private sealed class Prediction
    {
        public float[] Score { get; set; } = [];
    }

    [TestMethod]
    public void ACallerWithoutGradientsTrainsTheSameModel()
    {
        var ml = new MLContext();
        using var ordinary = SmallTraining.Fit(ml, SmallTraining.Options, SmallPictures.Take(4));
        using (TorchSharp.torch.no_grad())
        using (var quiet = SmallTraining.Fit(ml, SmallTraining.Options, SmallPictures.Take(4)))
            CollectionAssert.AreEqual(SmallTraining.WeightsOf(ordinary), SmallTraining.WeightsOf(quiet));
        using (TorchSharp.torch.inference_mode())
        using (var inferring = SmallTraining.Fit(ml, SmallTraining.Options, SmallPictures.Take(4)))
            CollectionAssert.AreEqual(SmallTraining.WeightsOf(ordinary), SmallTraining.WeightsOf(inferring));
    }

    [TestMethod]
    public void ATrainingThatDivergesIsAnErrorAndNoModel()
    {
        var ml = new MLContext();
        foreach (var validation in new[] { ValidationData.None, ValidationData.Fraction(0.3f) })
        {
            var error = Assert.ThrowsExactly<InvalidOperationException>(() => SmallTraining.Fit(
                ml, SmallTraining.Options with
                {
                    Epochs = 1,
                    LearningRate = 1e30f,
                    Validation = validation,
                    Schedule = LearningRateSchedule.Constant()
                },
                    SmallPictures.Take(4)));
            StringAssert.Contains(error.Message, "diverged");
            StringAssert.Contains(error.Message, "Lower the learning rate");
        }
    }
}
