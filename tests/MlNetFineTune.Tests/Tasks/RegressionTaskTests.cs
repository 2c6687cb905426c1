using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>Labels that are standardised inside, bounded scores, and what a loss of standardised labels is.</summary>
[TestClass]
public sealed class RegressionTaskTests
{
    private static readonly JsonElement[] s_cases = [.. Fixture.Read("tasks.json").GetProperty("regression").EnumerateArray()];

    private readonly MLContext _ml = new(seed: 1);

    public static IEnumerable<object[]> Cases => Enumerable.Range(0, s_cases.Length).Select(index => new object[] { index });

    /// <summary>The whole way from labels in their unit to gradients, against PyTorch's values of the loss in the label's unit.</summary>
    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void TheObjectiveIsPyTorchsLossInStandardisedUnits(int index)
    {
        using var scope = NewDisposeScope();
        var expected = s_cases[index];
        var loss = RegressionLossesTests.LossOf(expected);
        var scale = new TargetScale(mean: 0.75, deviation: 2.5);
        var power = expected.Text("loss") is "squared" or "huber" or "SquaredError" or "Huber" ? 2 : 1;
        float[] labels = [.. expected.GetProperty("labels").Numbers().Select(label => (float)label)];
        var scores = LossFixture.Logits("tasks.scores", [2, 4]).reshape(8, 1).detach();
        var outputs = scores.sub(0.75).div(2.5).detach().requires_grad_();
        var rows = new LabeledData(inputs: null!, labels, [.. Enumerable.Range(0, 8).Select(row => (long)row)], groups: null,
            withoutLabel: 0);
        int[] all = [0, 1, 2, 3, 4, 5, 6, 7];
        var objective = new RegressionObjective(loss, scale);
        var targets = objective.TargetsOf(new RowSubset(rows, all), all, mix: null, CPU);

        var value = objective.Loss(outputs, targets with { Labels = targets.Labels.to_type(ScalarType.Float64) });
        value.backward();

        Assert.AreEqual(expected.GetProperty("each").Numbers().Average() / Math.Pow(2.5, power), value.item<double>(), 1e-7);
        Fixture.AreClose(
            [.. expected.GetProperty("gradient").Numbers().Select(slope => slope * Math.Pow(2.5, 1 - power))], outputs.grad!.Values(), 1e-7,
            $"gradient of {loss}");
        Fixture.AreClose(scores.Values(), objective.ScoresOf(outputs.detach()).Values(), 1e-12, "scores in the label's unit");
        outputs.grad = null;
    }

    [TestMethod]
    public void WhatIsStandardisedInsideIsWhatIsStandardisedByHand()
    {
        var rows = TableRow.Many(60);
        foreach (var row in rows)
            (row.Number, row.Size) = (1000 + 50 * row.Number, row.Yes ? 2 : 0.5f); // Size weighs the row
        float[] weights = [.. rows.Select(row => row.Size)];
        var scale = TargetScale.Of([.. rows.Select(row => row.Number)], weights);
        var byHand = rows.Select(row => new TableRow
        {
            Features = row.Features,
            Kind = row.Kind,
            Color = row.Color,
            Yes = row.Yes,
            Size = row.Size,
            Number = (float)scale.Standardize(row.Number),
        });
        var options = SmallModules.Regression with { Epochs = 4, Validation = ValidationData.None, ExampleWeightColumnName = "Size" };

        using var inside = _ml.Regression.Trainers.FineTuneModule(options).Fit(SmallModules.View(_ml, rows));
        using var outside = _ml.Regression.Trainers.FineTuneModule(
            options with { Task = LearningTask.Regression(standardize: false) }).Fit(SmallModules.View(_ml, byHand));

        CollectionAssert.AreEqual(SmallModules.WeightsOf(outside), SmallModules.WeightsOf(inside));
        CollectionAssert.AreEqual(outside.Report!.Epochs.Select(epoch => epoch.Loss).ToArray(),
            inside.Report!.Epochs.Select(epoch => epoch.Loss).ToArray());
        var standardised = Scores(outside, rows);
        CollectionAssert.AreEqual(standardised.Select(score => (float)scale.Restore(score)).ToArray(), Scores(inside, rows));
        using var loaded = SmallModules.Reload(_ml, inside);
        CollectionAssert.AreEqual(Scores(inside, rows), Scores(loaded, rows));
    }

    [TestMethod]
    public void EpochsAreJudgedInTheUnitOfTheLabelAsMlNetJudges()
    {
        var held = TableRow.Many(40, seed: 5);
        var train = TableRow.Many(80);
        foreach (var row in held.Concat(train))
            row.Number = 1000 + 50 * row.Number;
        var options = SmallModules.Regression with
        {
            Epochs = 3,
            Validation = ValidationData.Set(SmallModules.View(_ml, held)),
            Metric = Metric.MeanAbsoluteError,
            Task = LearningTask.Regression(RegressionLoss.Huber(30), outputRange: (900, 1200)),
        };
        using var model = _ml.Regression.Trainers.FineTuneModule(options).Fit(SmallModules.View(_ml, train));

        var metrics = _ml.Regression.Evaluate(model.Transform(SmallModules.View(_ml, held)), "Number");
        var epoch = model.Report!.Epochs[model.Report.BestEpoch - 1];
        Assert.AreEqual(metrics.RootMeanSquaredError, epoch.Metrics["RootMeanSquaredError"], 1e-3);
        Assert.AreEqual(metrics.MeanAbsoluteError, epoch.Metrics["MeanAbsoluteError"], 1e-3);
        Assert.AreEqual(metrics.RSquared, epoch.Metrics["RSquared"], 1e-5);
        Assert.AreEqual(model.Report.Epochs.Min(one => one.Metrics["MeanAbsoluteError"]), epoch.Metrics["MeanAbsoluteError"]);
        Assert.IsTrue(Scores(model, held).All(score => score is >= 900 and <= 1200));
    }

    [TestMethod]
    public void LabelsThatNoScoreCanReachAreSaid()
    {
        var log = new LogLines(_ml);
        var options = SmallModules.Regression
            with
        { Epochs = 1, Task = LearningTask.Regression(outputRange: (0, 10)), Validation = ValidationData.None };
        var rows = TableRow.Many(40);
        using var model = _ml.Regression.Trainers.FineTuneModule(options).Fit(SmallModules.View(_ml, rows));
        StringAssert.Contains(
            string.Join('\n', log.Warnings),
            $"{rows.Count(row => row.Number < 0)} of 40 training labels in column 'Number' lie outside the output range (0, 10)");
        Assert.AreEqual(
            "Regression(loss: SquaredError, outputRange: (0, 10), standardize: True)", options.Task!.ToString());
        Assert.AreEqual("Regression(loss: SquaredError, outputRange: none, standardize: True)", LearningTask.Regression().ToString());

        foreach (var range in ((float, float)[])[(1, 1), (2, 1), (float.NaN, 1), (0, float.PositiveInfinity)])
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => LearningTask.Regression(outputRange: range));
    }

    private float[] Scores(FineTuningTransformer model, TableRow[] rows) =>
        [.. model.Transform(SmallModules.View(_ml, rows)).GetColumn<float>("Score")];
}
