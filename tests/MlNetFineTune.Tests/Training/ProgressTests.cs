using Microsoft.ML;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Training;

/// <summary>What a user sees of a training.</summary>
[TestClass]
public sealed class ProgressTests
{
    private readonly MLContext _ml = new();

    [TestMethod]
    public void ProgressRisesToItsTotalsAndEstimatesTheRest()
    {
        var watcher = new Watcher();
        var options = SmallTraining.Options with
        {
            Strategy = Strategy.LastStages(
            1),
            Validation = ValidationData.Fraction(0.25f),
            Epochs = 3,
            Progress = watcher
        };

        using var model = SmallTraining.Fit(_ml, options, SmallPictures.Take(8));

        var seen = watcher.Seen;
        CollectionAssert.AreEqual(
            "FFFFTTTVETTTVETTTVE".ToCharArray(),
            seen.Select(progress => progress.Activity switch
            {
                TrainingActivity.ComputingFeatures => 'F',
                TrainingActivity.Training => 'T',
                TrainingActivity.Validating => 'V',
                _ => 'E',
            }).ToArray());
        for (var i = 0; i < seen.Count; i++)
        {
            var now = seen[i];
            Assert.AreEqual(3, now.Epochs);
            Assert.IsTrue(now.Rows > 0 && now.Rows <= now.TotalRows, now.ToString());
            Assert.IsTrue(now.RowsPerSecond > 0 && double.IsFinite(now.RowsPerSecond), now.ToString());
            Assert.AreEqual(now.Activity == TrainingActivity.ComputingFeatures, now.Epoch == 0);
            Assert.AreEqual(now.Activity == TrainingActivity.ComputingFeatures, double.IsNaN(now.Loss), now.ToString());
            Assert.IsTrue(now.Remaining >= TimeSpan.Zero, now.ToString());
            Assert.IsTrue(now.LearningRate >= 0 && now.LearningRate <= 3e-3f);
            if (i == 0)
                continue;
            var before = seen[i - 1];
            Assert.IsTrue(now.Elapsed >= before.Elapsed && now.Epoch >= before.Epoch);
            if (now.Activity == before.Activity && now.Rows > before.Rows)
                Assert.AreEqual(before.TotalRows, now.TotalRows);
        }
        foreach (var epoch in model.Report!.Epochs)
        {
            var end = seen.Single(progress => progress.Activity == TrainingActivity.EpochCompleted && progress.Epoch == epoch.Epoch);
            Assert.AreEqual(epoch.Loss, end.Loss);
            Assert.AreEqual(epoch.LearningRate, end.LearningRate);
            Assert.AreEqual(epoch.ValidationAccuracy, end.ValidationAccuracy);
            Assert.AreEqual(
                18, seen.Last(progress => progress.Activity == TrainingActivity.Training && progress.Epoch == epoch.Epoch).Rows);
            Assert.AreEqual(
                epoch.Loss, seen.Last(progress => progress.Activity == TrainingActivity.Validating && progress.Epoch == epoch.Epoch).Loss);
        }
        Assert.AreEqual(TimeSpan.Zero, seen[^1].Remaining);
        Assert.IsTrue(model.Report.Duration >= seen[^1].Elapsed);
    }

    // A checkpoint of an epoch's last step: the process that resumes it takes none of its steps.
    [TestMethod]
    public void AnEpochWhoseStepsWereAnEarlierProcessesEndsWithItsLoss()
    {
        var watcher = new Watcher();
        var meter = new ProgressMeter(watcher, epochs: 2);

        meter.Begin(TrainingActivity.Training, epoch: 1, totalRows: 8);
        meter.EndEpoch(0.25);

        Assert.AreEqual((TrainingActivity.EpochCompleted, 0.25), (watcher.Seen.Single().Activity, watcher.Seen.Single().Loss));
    }

    [TestMethod]
    public void TheLogSaysDeviceWhatTrainsWhatIsFrozenAndEachEpoch()
    {
        var log = new LogLines(_ml);
        var options = SmallTraining.Options with { Strategy = Strategy.LastStages(1), Validation = ValidationData.Fraction(0.25f) };

        using var model = SmallTraining.Fit(_ml, options, SmallPictures.Take(8));

        var report = model.Report!;
        CollectionAssert.AreEqual(new[] { "layer3" }, report.TrainedStages.ToArray());
        Assert.IsTrue(report.TrainedParameters > 0 && report.FrozenParameters > 0);
        foreach (var part in (string[])
            [
                "Device: CPU with ", "because MLContext.GpuDeviceId is not set", "micro (random weights), strategy LastStages(1",
                $"{report.TrainedParameters:N0} parameters train (layer3, head)",
                $"{report.FrozenParameters:N0} are frozen (stem, layer1, layer2)",
                "18 training and 6 validation rows, 2 epochs of batch 8, AdamW(", "seed 1.", "Epoch 1/2: loss ", "Epoch 2/2: loss ",
                "validation loss", "accuracy",
            ])
            Assert.IsTrue(log.All.Any(line => line.Contains(part)), $"'{part}' is not in:\n{log}");
        Assert.IsEmpty(log.Warnings);
    }

    [TestMethod]
    public void GradientsDoNotOutliveTheTraining()
    {
        using var model = SmallTraining.Fit(_ml, SmallTraining.Options, SmallPictures.Take(4));

        model.Scorer.Read(
            network => Assert.IsTrue(network.NamedParameters().Select(named => named.Parameter).All(parameter => parameter.grad is null)));
    }
}
