using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Training;

/// <summary>Small batches that make a step together are one large batch, where there is no BatchNorm.</summary>
[TestClass]
public sealed class AccumulationTests
{
    private readonly MLContext _ml = new();

    [TestMethod]
    [DataRow(60, 12, 3)] // even
    [DataRow(53, 16, 4)] // batches of 3 and 4 rows in steps of 13 and 14
    [DataRow(7, 16, 16)] // one row a batch, one step an epoch
    public void SoManyBatchesAreOneLargeOne(int rows, int large, int accumulation)
    {
        var options = SmallModules.Regression with
        {
            Epochs = 3,
            BatchSize = large,
            Optimizer = Optimizer.Sgd(),
            Validation = ValidationData.None,
            GradientClipping = GradientClipping.Norm(0.5f),
        };
        var view = SmallModules.View(_ml, TableRow.Many(rows));
        using var expected = _ml.Regression.Trainers.FineTuneModule(options).Fit(view);
        using var actual = _ml.Regression.Trainers.FineTuneModule(
            options with { BatchSize = large / accumulation, AccumulationSteps = accumulation }).Fit(view);

        AssertClose(expected, actual, expected.Report!.Epochs[^1].Loss, actual.Report!.Epochs[^1].Loss);
    }

    [TestMethod]
    public void RowsThatCountDifferentlyDoSoInWhateverBatchTheyAre()
    {
        var options = SmallModules.Multiclass
            with
        {
            Epochs = 3,
            BatchSize = 24,
            Optimizer = Optimizer.Sgd(),
            Validation = ValidationData.None,
            Task = LearningTask.Multiclass(classWeights: ClassWeights.Of(1, 5, 0.25f))
        };
        var view = SmallModules.View(_ml, TableRow.Many(60));
        using var expected = _ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(view);
        using var actual = _ml.MulticlassClassification.Trainers.FineTuneModule(
            options with { BatchSize = 4, AccumulationSteps = 6 }).Fit(view);
        using var wrong = _ml.MulticlassClassification.Trainers.FineTuneModule(options with { BatchSize = 4 }).Fit(view);

        AssertClose(expected, actual, 0, 0);
        Assert.IsGreaterThan(1e-3, Tensors(expected).Zip(Tensors(wrong), (a, b) => a.Zip(b, (x, y) => Math.Abs(x - y)).Max()).Max(),
            "the batches matter");
    }

    /// <summary>Two rows of three lack the number, in every batch others, and rows have weights.</summary>
    [TestMethod]
    [DataRow(12, 2)]
    [DataRow(4, 6)]
    public void EachOfSeveralHeadsIsDividedByItsOwnCountOverTheWholeStep(int batch, int accumulation)
    {
        var rows = TableRow.Many(48);
        foreach (var (place, row) in rows.Index())
        {
            row.Number = place % 16 < 10 ? float.NaN : row.Number;
            row.Size = 0.5f + place % 3; // weighs the row
        }
        var options = SmallModules.Multiclass with
        {
            Task = LearningTask.Several(
                new("Kind", LearningTask.Multiclass(classWeights: ClassWeights.Of(1, 5, 0.25f))),
                new("Number", LearningTask.Regression(), weight: 2), new("Yes", LearningTask.Binary())),
            ExampleWeightColumnName = "Size",
            Epochs = 3,
            BatchSize = 24,
            Optimizer = Optimizer.Sgd(),
            Validation = ValidationData.None,
        };
        var view = SmallModules.View(_ml, rows);
        using var expected = _ml.FineTuning.FineTuneModule(options).Fit(view);
        using var actual = _ml.FineTuning.FineTuneModule(
            options with { BatchSize = batch, AccumulationSteps = accumulation }).Fit(view);

        AssertClose(expected, actual, 0, 0);
    }

    [TestMethod]
    public void ABatchThatCannotBeReadDoesNotKeepItsStepWaiting()
    {
        // Three batches of two rows a step; some batches have no picture at all.
        var bad = Path.Combine(SmallPictures.NewFolder(), "none.png");
        var photos = SmallPictures.Take(8);
        var options = SmallTraining.Options with
        {
            BatchSize = 2,
            AccumulationSteps = 3,
            Epochs = 2,
            BadRows = BadRows.Skip(0.9f),
            Seed = 3
        };
        Photo[] many = [.. photos, .. Enumerable.Repeat(new Photo { Label = "dots", ImagePath = bad }, 30)];

        using var model = SmallTraining.Fit(_ml, options, many);

        Assert.HasCount(30, model.Report!.BadRows);
        Assert.IsTrue(model.Report.Epochs.All(epoch => double.IsFinite(epoch.Loss)));
        // In the second epoch they are known: its 24 rows are four steps, and the last has the schedule's last rate but three of nine.
        Assert.AreEqual(24, model.Report.TrainingRows);
    }

    [TestMethod]
    public void StepsKeepTheirRowsAndBatchesAreSpreadEvenly()
    {
        int[] rows = [.. Enumerable.Range(0, 53)];
        var order = EpochOrder.Of(rows, batchSize: 4, batchesOfStep: 4);

        Assert.AreEqual(4, order.Steps);
        CollectionAssert.AreEqual(rows, order.Batches.SelectMany(batch => batch).ToArray());
        Assert.IsTrue(order.Batches.All(batch => batch.Length is 3 or 4));
        CollectionAssert.AreEqual(MlNetFineTune.Data.BatchLoader.Split(rows, 16).Select(step => step.Length).ToArray(),
            order.Batches.Zip(order.StepOf).GroupBy(pair => pair.Second).Select(step => step.Sum(pair => pair.First.Length)).ToArray());
        CollectionAssert.AreEqual(order.StepOf.Zip([.. order.StepOf.Skip(1), -1], (step, next) => step != next).ToArray(),
            order.StepOf.Select((_, batch) => order.EndsStep(batch)).ToArray());
        Assert.AreEqual(0, EpochOrder.Of([], 4, 4).Steps);
    }

    private static void AssertClose(FineTuningTransformer expected, FineTuningTransformer actual, double expectedLoss, double actualLoss)
    {
        foreach (var (x, y) in Tensors(expected).Zip(Tensors(actual)))
            Fixture.AreClose(x, y, 1e-6, "weights");
        Assert.AreEqual(expectedLoss, actualLoss, 1e-6 * Math.Max(1, expectedLoss));
    }

    private static List<double[]> Tensors(FineTuningTransformer model)
    {
        var tensors = new List<double[]>();
        model.Scorer.Read(network => tensors.AddRange(network.NamedTensors().Select(named => named.Tensor.Values())));
        return tensors;
    }
}
