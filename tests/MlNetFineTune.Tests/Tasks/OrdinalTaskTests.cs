using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>The ordinal objective, its metrics, and modules with it.</summary>
[TestClass]
public sealed class OrdinalTaskTests
{
    private static readonly JsonElement[] s_cases = [.. Fixture.Read("tasks.json").GetProperty("ordinal").EnumerateArray()];

    private readonly MLContext _ml = new(seed: 1);

    public static IEnumerable<object[]> Cases => Enumerable.Range(0, s_cases.Length).Select(index => new object[] { index });

    private static ModuleFineTuningOptions Options => SmallModules.Multiclass with { Task = LearningTask.Ordinal() };

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void TheObjectiveBehindTheHeadIsPyTorchsLossAndGradient(int index)
    {
        using var scope = NewDisposeScope();
        var expected = s_cases[index];
        var classes = expected.GetProperty("classes").GetInt32();
        using var head = OrdinalTests.HeadOf(expected);
        float[] labels = [.. expected.GetProperty("labels").Numbers().Select(label => (float)label)];
        int[] all = [.. Enumerable.Range(0, labels.Length)];
        var rows = new LabeledData(inputs: null!, labels, [.. all.Select(row => (long)row)], groups: null, withoutLabel: 0);
        var objective = new MulticlassObjective(classes, ClassificationLoss.CrossEntropy(), createMetrics: () => new OrdinalSums());
        var features = OrdinalTests.Features();

        var logs = head.forward(features);
        var targets = objective.TargetsOf(new RowSubset(rows, all), all, mix: null, CPU);
        objective.Loss(logs, targets).backward();

        Fixture.AreClose(expected.GetProperty("weight").Numbers(), head.weight.grad!.Values(), 1e-10, "weight");
        Fixture.AreClose(expected.GetProperty("thresholdGradient").Numbers(), head.thresholds.grad!.Values(), 1e-10, "thresholds");
        Fixture.AreClose(expected.GetProperty("probabilities").Numbers(), objective.ScoresOf(logs.detach()).Values(), 1e-10, "scores");
        head.weight.grad = head.thresholds.grad = null;
    }

    [TestMethod]
    public void AModuleGivesANumberForEachClassAndIsJudgedByTheOrder()
    {
        var log = new LogLines(_ml);
        var held = SmallModules.View(_ml, TableRow.Many(60, seed: 5));
        var options = Options with { Validation = ValidationData.Set(held), Metric = Metric.QuadraticWeightedKappa };
        using var model = _ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(SmallModules.View(_ml, TableRow.Many(90)));

        var metrics = _ml.FineTuning.EvaluateOrdinal(model.Transform(held), "Kind");
        var epoch = model.Report!.Epochs[model.Report.BestEpoch - 1].Metrics;
        Assert.IsGreaterThan(0.8, metrics.QuadraticWeightedKappa);
        Assert.AreEqual(metrics.QuadraticWeightedKappa, epoch["QuadraticWeightedKappa"], 1e-12);
        Assert.AreEqual(metrics.MeanAbsoluteError, epoch["MeanAbsoluteError"], 1e-12);
        Assert.AreEqual(metrics.Accuracy, epoch["Accuracy"], 1e-12);
        StringAssert.Contains(log.ToString(), "The order of the classes, from the keys of column 'Kind': ");
        using var loaded = SmallModules.Reload(_ml, model);
        SmallTraining.AssertSameBits(SmallTraining.Scores(model.Transform(held)), SmallTraining.Scores(loaded.Transform(held)));
        Assert.AreEqual("Ordinal(classWeights: None, calibration: None)", options.Task!.ToString());
    }

    [TestMethod]
    public void ClassWeightsAndCalibrationAreThoseOfClasses()
    {
        var task = LearningTask.Ordinal(ClassWeights.Of(("kind1", 2)), Calibration.Temperature(0.5f));
        using var model = _ml.MulticlassClassification.Trainers.FineTuneModule(Options with { Task = task, Epochs = 5 })
            .Fit(SmallModules.View(_ml, TableRow.Many(90)));
        Assert.IsNotNull(model.Calibration);
        Assert.HasCount(3, model.Calibration.RejectThresholds);
    }

    [TestMethod]
    public void WhatCannotBeIsRefused()
    {
        var one = SmallModules.View(_ml, TableRow.Many(40).Where(row => row.Kind == "kind1"));
        var error = Assert.ThrowsExactly<InvalidOperationException>(
            () => _ml.MulticlassClassification.Trainers.FineTuneModule(Options).Fit(one));
        StringAssert.Contains(error.Message, "An ordinal label has two classes at least; column 'Kind' has 1");
        var elsewhere = Assert.ThrowsExactly<ArgumentException>(
            () => _ml.Regression.Trainers.FineTuneModule(SmallModules.Regression with { Task = LearningTask.Ordinal() }));
        StringAssert.Contains(elsewhere.Message, "belongs to ml.MulticlassClassification");
        Assert.Throws<ArgumentOutOfRangeException>(
            () => _ml.FineTuning.EvaluateOrdinal(SmallModules.View(_ml, TableRow.Many(4)), "Features", "Kind"));
    }
}
