using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Training;

/// <summary>Cancelling throws, stopping keeps the best model so far; both act within one batch and leave nothing behind.</summary>
[TestClass]
public sealed class CancellationTests
{
    private readonly MLContext _ml = new();
    private readonly Photo[] _photos = SmallPictures.Take(16);

    public static IEnumerable<object[]> Phases =>
    [
        [TrainingActivity.ComputingFeatures, Strategy.HeadOnly],
        [TrainingActivity.Training, Strategy.HeadOnly],
        [TrainingActivity.Training, Strategy.Full(1)],
        [TrainingActivity.Validating, Strategy.HeadOnly],
        [TrainingActivity.Validating, Strategy.Full(1)],
    ];

    [TestMethod]
    [DynamicData(nameof(Phases))]
    public void CancellingThrowsWithinOneBatch(TrainingActivity phase, Strategy strategy)
    {
        using var source = new CancellationTokenSource();
        var watcher = CancelAt(phase, source);

        var error = Assert.Throws<OperationCanceledException>(
            () => SmallTraining.Fit(_ml, Options(strategy, watcher) with { CancellationToken = source.Token }, _photos));
        Assert.AreEqual(source.Token, error.CancellationToken);

        Assert.AreEqual(1, watcher.Seen.Count(progress => progress.Activity == phase));
    }

    [TestMethod]
    [DynamicData(nameof(Phases))]
    public void StoppingWithinTheFirstEpochGivesAModel(TrainingActivity phase, Strategy strategy)
    {
        using var source = new CancellationTokenSource();
        var watcher = CancelAt(phase, source);

        using var model = SmallTraining.Fit(_ml, Options(strategy, watcher) with { StopToken = source.Token }, _photos);

        Assert.AreEqual(1, watcher.Seen.Count(progress => progress.Activity == phase));
        Assert.AreEqual(TrainingReport.EndReason.Stopped, model.Report!.End);
        Assert.AreEqual(0, model.Report.BestEpoch);
        Assert.IsEmpty(model.Report.Epochs);
        Assert.IsTrue(SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, _photos))).All(scores => scores.All(float.IsFinite)));
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, model)), out _);
    }

    [TestMethod]
    public void StoppingLaterGivesTheBestEpochSoFar()
    {
        foreach (var validation in (ValidationData[])[ValidationData.None, ValidationData.Fraction(0.25f)])
        {
            var options = SmallTraining.Options with { Validation = validation, Schedule = LearningRateSchedule.Constant() };
            using var whole = SmallTraining.Fit(_ml, options with { Epochs = 2 }, _photos);
            using var source = new CancellationTokenSource();
            var watcher = new Watcher(progress =>
            {
                if (progress is { Activity: TrainingActivity.Training, Epoch: 3 })
                    source.Cancel();
            });
            using var stopped = SmallTraining.Fit(_ml, options with { Epochs = 9, Progress = watcher, StopToken = source.Token }, _photos);

            Assert.AreEqual(TrainingReport.EndReason.Stopped, stopped.Report!.End);
            Assert.AreEqual(whole.Report!.BestEpoch, stopped.Report.BestEpoch);
            Assert.HasCount(2, stopped.Report.Epochs);
            CollectionAssert.AreEqual(SmallTraining.WeightsOf(whole), SmallTraining.WeightsOf(stopped));
        }
    }

    [TestMethod]
    public void ATokenThatIsCancelledBeforehandActsBeforeAnyStep()
    {
        var watcher = new Watcher();
        var cancelled = new CancellationToken(canceled: true);

        Assert.Throws<OperationCanceledException>(
            () => SmallTraining.Fit(_ml, Options(Strategy.Full(1), watcher) with { CancellationToken = cancelled }, _photos));
        using var model = SmallTraining.Fit(_ml, Options(Strategy.Full(1), watcher) with { StopToken = cancelled }, _photos);

        Assert.IsEmpty(watcher.Seen);
        Assert.AreEqual(TrainingReport.EndReason.Stopped, model.Report!.End);
    }

    [TestMethod]
    public void NoTemporaryFileIsLeftWhateverHappens()
    {
        var folder = SmallPictures.NewFolder();
        _ml.TempFilePath = folder;
        var images = _photos.Select(photo => new ImageRow { Label = photo.Label, Image = MLImage.CreateFromFile(photo.ImagePath) })
            .ToArray();
        var view = SmallTraining.WithKeys(_ml, _ml.Data.LoadFromEnumerable(images));
        var bad = SmallTraining.WithKeys(_ml, _ml.Data.LoadFromEnumerable(images.Append(new ImageRow { Label = "dots" }).ToArray()));
        var options = SmallTraining.Options with { ImageColumnName = "Image", Epochs = 1 };
        var files = new List<int>();

        using (Fit(view, options with { Progress = new Watcher(_ => files.Add(OpenFiles.CountIn(folder))) }))
        {
        }
        using var source = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => Fit(
            view, options with { Progress = CancelAt(TrainingActivity.Training, source), CancellationToken = source.Token }));
        Assert.Throws<InvalidDataException>(() => Fit(bad, options));
        Assert.Throws<DivideByZeroException>(
            () => Fit(view, options with { Progress = new Watcher(_ => throw new DivideByZeroException()) }));
        Assert.Throws<OperationCanceledException>(
            () => Fit(view, options with { CancellationToken = new CancellationToken(canceled: true) }));

        Assert.IsTrue(files.Count > 0 && files.All(count => count == 1),
            "The pictures were not spooled where the context's TempFilePath says.");
        Assert.IsEmpty(Directory.GetFileSystemEntries(folder));
        Assert.AreEqual(0, OpenFiles.CountIn(folder));
        foreach (var row in images)
            row.Image!.Dispose();

        FineTuningTransformer Fit(IDataView data, ImageFineTuningOptions with) =>
            _ml.MulticlassClassification.Trainers.FineTuneImages(with).Fit(data);
    }

    [TestMethod]
    public void ALossThatIsNoNumberEndsTheTrainingAndSaysWhatToTry()
    {
        var error = Assert.Throws<InvalidOperationException>(
            () => SmallTraining.Fit(
                _ml, SmallTraining.Options with { LearningRate = 1e30f, Epochs = 5, Optimizer = Optimizer.Sgd() }, _photos));

        StringAssert.Contains(error.Message, "Lower the learning rate");
    }

    private static ImageFineTuningOptions Options(Strategy strategy, Watcher watcher) =>
        SmallTraining.Options with { Strategy = strategy, Validation = ValidationData.Fraction(0.5f), Progress = watcher, Workers = 2 };

    private static Watcher CancelAt(TrainingActivity phase, CancellationTokenSource source) => new(progress =>
    {
        if (progress.Activity == phase)
            source.Cancel();
    });
}
