using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Training;

/// <summary>MixUp and CutMix in a whole training.</summary>
[TestClass]
public sealed class MixingInTrainingTests
{
    private static readonly Augmentation s_mixed =
        Augmentation.Sequence(
            Augmentation.RandomResizedCrop(), Augmentation.HorizontalFlip(), Augmentation.MixUp(0.4f), Augmentation.CutMix());

    private readonly MLContext _ml = new();
    private readonly Photo[] _photos = SmallPictures.Take(8);

    [TestMethod]
    public void OneWorkerAndEightTrainTheSameBytes()
    {
        var options = SmallTraining.Options
            with
        { Augmentation = s_mixed, Task = LearningTask.Multiclass(loss: ClassificationLoss.CrossEntropy(smoothing: 0.1f)) };
        var expected = Train(options with { Workers = 1 });

        CollectionAssert.AreEqual(expected, Train(options with { Workers = 8 }));
        CollectionAssert.AreNotEqual(expected, Train(options with { Augmentation = Augmentation.Light }));
    }

    [TestMethod]
    public void MixingWithProbabilityZeroIsNoMixing()
    {
        var plain = Train(SmallTraining.Options);

        CollectionAssert.AreEqual(plain, Train(SmallTraining.Options with
        {
            Augmentation = Augmentation.Sequence(
            Augmentation.MixUp(probability: 0), Augmentation.CutMix(probability: 0))
        }));
        CollectionAssert.AreNotEqual(plain, Train(SmallTraining.Options with { Augmentation = Augmentation.MixUp() }));
        CollectionAssert.AreNotEqual(plain, Train(SmallTraining.Options with { Augmentation = Augmentation.CutMix() }));
    }

    [TestMethod]
    public void PlainEpochsChangeOnlyTheEnd()
    {
        var mixed = Losses(Augmentation.MixUp(1));
        var ended = Losses(Augmentation.MixUp(1, plainEpochs: 1));

        CollectionAssert.AreEqual(mixed[..2], ended[..2]);
        Assert.AreNotEqual(mixed[2], ended[2]);

        double[] Losses(Augmentation augmentation)
        {
            using var model = SmallTraining.Fit(_ml, SmallTraining.Options with { Epochs = 3, Augmentation = augmentation }, _photos);
            return [.. model.Report!.Epochs.Select(epoch => epoch.Loss)];
        }
    }

    [TestMethod]
    public void AMixedTrainingLearnsAndItsLossIsThatOfMixedLabels()
    {
        using var model = SmallTraining.Fit(
            _ml,
            SmallTraining.Options with { Epochs = 8, Augmentation = Augmentation.MixUp(1), Validation = ValidationData.Fraction(0.2f) },
            SmallPictures.Take(20));

        var last = model.Report!.Epochs[^1];
        Assert.IsGreaterThan(0.9, last.ValidationAccuracy!.Value);
        Assert.IsGreaterThan(last.ValidationLoss!.Value, last.Loss, "half-and-half labels cannot be met");
    }

    [TestMethod]
    public void FrozenStagesRunAnewInEveryEpochSinceTheirPicturesDiffer()
    {
        var watcher = new Watcher();
        using var model = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Strategy = Strategy.HeadOnly, Augmentation = Augmentation.MixUp(), Progress = watcher },
            _photos);

        Assert.IsFalse(watcher.Seen.Any(progress => progress.Activity == TrainingActivity.ComputingFeatures));
        Assert.AreNotEqual(model.Report!.Epochs[0].Loss, model.Report.Epochs[1].Loss);
    }

    [TestMethod]
    public void APictureThatCannotBeReadLeavesTheOthersMixed()
    {
        Photo[] photos = [.. _photos, new Photo { Label = "dots", ImagePath = Path.Combine(SmallPictures.Folder, "missing.png") }];
        var options = SmallTraining.Options with { Augmentation = s_mixed, BadRows = BadRows.Skip() };

        CollectionAssert.AreEqual(Train(options with { Workers = 1 }, photos), Train(options with { Workers = 8 }, photos));
    }

    [TestMethod]
    public void CancellingAMixedTrainingThrowsAndStoppingGivesAModel()
    {
        using var cancel = new CancellationTokenSource();
        var watcher = new Watcher(_ => cancel.Cancel());
        var options = SmallTraining.Options with { Augmentation = s_mixed, Progress = watcher };

        Assert.Throws<OperationCanceledException>(() => SmallTraining.Fit(_ml, options with { CancellationToken = cancel.Token }, _photos));
        Assert.HasCount(1, watcher.Seen);
        using var model = SmallTraining.Fit(_ml, options with { StopToken = cancel.Token }, _photos);
        Assert.AreEqual(TrainingReport.EndReason.Stopped, model.Report!.End);
    }

    [TestMethod]
    public void PlainEpochsThatLeaveNoneToMixAreRefusedBeforeAnyDataAreRead()
    {
        var error = Assert.ThrowsExactly<ArgumentException>(() => _ml.MulticlassClassification.Trainers.FineTuneImages(
            SmallTraining.Options with
            {
                Epochs = 2,
                Augmentation = Augmentation.Sequence(
                Augmentation.HorizontalFlip(), Augmentation.CutMix(plainEpochs: 2))
            }));

        StringAssert.Contains(error.Message, "plainEpochs of CutMix is 2, but there are 2 epochs");
        StringAssert.Contains(error.Message, "Lower plainEpochs");
    }

    private byte[] Train(ImageFineTuningOptions options, Photo[]? photos = null)
    {
        using var model = SmallTraining.Fit(_ml, options, photos ?? _photos);
        return SmallTraining.WeightsOf(model);
    }
}
