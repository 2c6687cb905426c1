using Microsoft.ML;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Training;

/// <summary>A training that goes wrong, and one that takes too long.</summary>
[TestClass]
public sealed class DivergenceTests
{
    private readonly MLContext _ml = new();
    private readonly Photo[] _photos = SmallPictures.Take(8);

    // A learning rate that rises to twenty, slowly enough for some good epochs.
    private static ImageFineTuningOptions Absurd => SmallTraining.Options with
    {
        Epochs = 12,
        BatchSize = 4,
        LearningRate = 20,
        Optimizer = Optimizer.Sgd(),
        Validation = ValidationData.Fraction(0.25f),
        Schedule = LearningRateSchedule.OneCycle(warmup: 0.9f, initialDivisor: 1e5f),
    };

    [TestMethod]
    public void AnErrorSaysStepEpochAndTheLastGoodMetrics()
    {
        var watcher = new Watcher();
        var error = Assert.ThrowsExactly<InvalidOperationException>(
            () => SmallTraining.Fit(_ml, Absurd with { Progress = watcher }, _photos));

        var steps = watcher.Seen.Count(progress => progress.Activity == TrainingActivity.Training) + 1;
        var last = watcher.Seen.Last(progress => progress.Activity == TrainingActivity.EpochCompleted);
        StringAssert.Contains(error.Message, FormattableString.Invariant($"diverged in step {steps} (epoch {last.Epoch + 1}): the loss"));
        StringAssert.Contains(error.Message,
            $"The last good epoch was {last.Epoch}: loss {last.Loss:0.0000}, validation loss {last.ValidationLoss:0.0000}");
        StringAssert.Contains(error.Message, "Lower the learning rate (20)");
    }

    [TestMethod]
    public void TheBestEpochBeforeIsReturnedIfAskedFor()
    {
        var log = new LogLines(_ml);
        using var model = SmallTraining.Fit(_ml, Absurd with { OnDivergence = Divergence.ReturnBest() }, _photos);

        var report = model.Report!;
        Assert.AreEqual(TrainingReport.EndReason.Diverged, report.End);
        Assert.AreEqual(report.Epochs.MinBy(epoch => epoch.ValidationLoss)!.Epoch, report.BestEpoch);
        Assert.IsLessThan(12, report.Epochs.Count);
        Assert.IsTrue(
            log.Warnings.Any(line => line.StartsWith("The training diverged in step", StringComparison.Ordinal)
                && line.EndsWith($"The model is that of epoch {report.BestEpoch}.", StringComparison.Ordinal)), log.ToString());
        Assert.IsTrue(SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, _photos))).All(scores => scores.All(float.IsFinite)));
    }

    [TestMethod]
    public void WithoutACompleteEpochThereIsNothingToReturn()
    {
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => SmallTraining.Fit(
            _ml, SmallTraining.Options with
            {
                LearningRate = 1e30f,
                Optimizer = Optimizer.Sgd(),
                OnDivergence = Divergence.ReturnBest()
            }, _photos));

        StringAssert.Contains(error.Message, "No epoch was complete.");
    }

    [TestMethod]
    public void ASpikeThatStaysIsNoticedAndOneHardBatchIsNot()
    {
        var random = new Random(1);
        var watch = new LossWatch();
        for (var step = 0; step < 295; step++)
            Assert.IsNull(watch.Judge(step % 50 == 49 ? 40 : 1.5 * Math.Exp(-step / 80.0) + 0.02 * random.NextDouble(), 10),
                $"step {step}");
        Assert.IsNull(watch.Judge(16, 10));
        Assert.IsNull(watch.Judge(16, 10));
        Assert.IsNotNull(watch.Judge(16, 10), "three of the last five");
        Assert.IsNull(Fed(0.01, 0.01, 2, 10), "small losses that are no longer small, but less than ten times the first");
        Assert.IsNotNull(Fed(0.01, 0.01, 21, 10));
        Assert.IsNull(Fed(0.01, 0.01, 1e30, float.PositiveInfinity));
        Assert.IsNotNull(new LossWatch().Judge(double.NaN, float.PositiveInfinity));
        Assert.IsNotNull(new LossWatch().Judge(double.PositiveInfinity, 10));
        Assert.Throws<ArgumentOutOfRangeException>(() => Divergence.Throw(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Divergence.ReturnBest(float.NaN));

        static string? Fed(double low, double middle, double high, float factor)
        {
            var watch = new LossWatch();
            for (var i = 0; i < 5; i++)
                watch.Judge(2, factor);
            for (var i = 0; i < 150; i++)
                watch.Judge(i % 2 == 0 ? low : middle, factor);
            string? found = null;
            for (var i = 0; i < 5; i++)
                found = watch.Judge(high, factor);
            return found;
        }
    }

    [TestMethod]
    public void ASpentTimeBudgetEndsInGoodOrderWithTheBestModel()
    {
        var options = SmallTraining.Options with { Epochs = 9, Schedule = LearningRateSchedule.Constant() };
        using var whole = SmallTraining.Fit(_ml, options with { Epochs = 2 }, _photos);
        var log = new LogLines(_ml);
        var time = new ManualTime();
        var watcher = new Watcher(progress =>
        {
            if (progress is { Activity: TrainingActivity.Training, Epoch: 3 })
                time.Advance(TimeSpan.FromHours(6));
        });

        using var model = SmallTraining.Fit(
            _ml, options with { Progress = watcher, TimeBudget = TimeSpan.FromHours(6), Time = time }, _photos);

        Assert.AreEqual(TrainingReport.EndReason.TimeBudgetSpent, model.Report!.End);
        Assert.HasCount(2, model.Report.Epochs);
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(whole), SmallTraining.WeightsOf(model));
        Assert.IsTrue(log.All.Any(line => line.StartsWith("The time budget of 06:00:00 is spent", StringComparison.Ordinal)),
            log.ToString());
    }

    [TestMethod]
    public void TimeThatIsSpentBeforeCountsAndMoreTimeGoesOn()
    {
        var folder = SmallPictures.NewFolder();
        var options = SmallTraining.Options with { Epochs = 3, Checkpoint = TrainingCheckpoint.EveryEpochs(folder) };
        using var whole = SmallTraining.Fit(_ml, options with { Checkpoint = TrainingCheckpoint.None }, _photos);
        var watcher = new Watcher();

        using (var none = SmallTraining.Fit(_ml, options with { Progress = watcher, TimeBudget = TimeSpan.FromTicks(1) }, _photos))
            Assert.AreEqual((TrainingReport.EndReason.TimeBudgetSpent, 0), (none.Report!.End, none.Report.BestEpoch));
        using (var again = SmallTraining.Fit(_ml, options with { Progress = watcher, TimeBudget = TimeSpan.FromTicks(2) }, _photos))
            Assert.AreEqual(TrainingReport.EndReason.TimeBudgetSpent, again.Report!.End);
        using var model = SmallTraining.Fit(_ml, options with { TimeBudget = TimeSpan.FromHours(1) }, _photos);

        Assert.IsEmpty(watcher.Seen);
        Assert.AreEqual(TrainingReport.EndReason.Completed, model.Report!.End);
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(whole), SmallTraining.WeightsOf(model));
        Assert.Throws<ArgumentOutOfRangeException>(() => options with { TimeBudget = TimeSpan.Zero });
    }
}
