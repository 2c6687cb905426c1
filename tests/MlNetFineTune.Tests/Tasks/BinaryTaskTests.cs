using System.Text;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>The decision threshold, and the metrics of yes and no, of modules.</summary>
[TestClass]
public sealed class BinaryTaskTests
{
    private readonly MLContext _ml = new(seed: 1);

    private static ModuleFineTuningOptions Options => SmallModules.Binary with { Epochs = 2, LearningRate = 0.01f };

    private IDataView Train => SmallModules.View(_ml, TableRow.Many(80));

    private IDataView Held => SmallModules.View(_ml, TableRow.Many(60, seed: 5));

    public static IEnumerable<object[]> Criteria =>
    [
        ["F1", DecisionThreshold.F1], ["Accuracy", DecisionThreshold.Accuracy], ["YoudenJ", DecisionThreshold.YoudenJ],
    ];

    [TestMethod]
    [DynamicData(nameof(Criteria))]
    public void TheTunedThresholdIsTheBestOnTheValidationRows(string name, DecisionThreshold criterion)
    {
        using var plain = Fit(DecisionThreshold.Default);
        using var tuned = Fit(criterion);

        CollectionAssert.AreEqual(Scores(plain), Scores(tuned), "the network and its scores stay as they are");
        Assert.AreEqual(0.5f, plain.ProbabilityThreshold);
        var metrics = _ml.FineTuning.EvaluateBinary(tuned.Transform(Held), "Yes");
        var atHalf = _ml.BinaryClassification.Evaluate(tuned.Transform(Held), "Yes");
        var reached = name switch
        {
            "F1" => metrics.F1Score,
            "Accuracy" => metrics.Accuracy,
            _ => metrics.PositiveRecall + metrics.NegativeRecall - 1,
        };
        var (scores, labels) = (Scores(tuned), Held.GetColumn<bool>("Yes").ToArray());
        var best = scores.Append(float.MinValue).Max(threshold => ValueAt(name, scores, labels, threshold));
        Assert.AreEqual(best, reached, 1e-6);
        Assert.IsGreaterThan(ValueAt(name, scores, labels, 0), best, "no counts so much in training that 0.5 is not the best");
        Assert.AreEqual(ValueAt("F1", scores, labels, 0), atHalf.F1Score, 1e-6, "ML.NET's own looks at the score alone");
        var predictedYes = metrics.ConfusionMatrix.Counts[0][0] + metrics.ConfusionMatrix.Counts[1][0];
        Assert.AreEqual(Predicted(tuned).Count(yes => yes), predictedYes);
        using var loaded = SmallModules.Reload(_ml, tuned);
        Assert.AreEqual(tuned.ProbabilityThreshold, loaded.ProbabilityThreshold);
        CollectionAssert.AreEqual(Predicted(tuned), Predicted(loaded));

        FineTuningTransformer Fit(DecisionThreshold threshold) => _ml.BinaryClassification.Trainers.FineTuneModule(
            Options with { Task = LearningTask.Binary(ClassWeights.Of(8, 1), threshold: threshold), Validation = ValidationData.Set(Held) })
                .Fit(Train);
    }

    [TestMethod]
    public void AThresholdIsTunedOnCalibratedProbabilities()
    {
        var log = new LogLines(_ml);
        var rows = TableRow.Many(60, seed: 5);
        foreach (var (place, row) in rows.Index())
            row.Yes ^= place % 6 == 0; // so that no temperature is too low
        var held = SmallModules.View(_ml, rows);
        var task = LearningTask.Binary(calibration: Calibration.Temperature(), threshold: DecisionThreshold.Recall(0.9f));
        using var model = _ml.BinaryClassification.Trainers.FineTuneModule(
            Options with { Task = task, Epochs = 8, Validation = ValidationData.Set(held) }).Fit(Train);

        var scored = model.Transform(held);
        CollectionAssert.AreEqual(
            scored.GetColumn<float>("Probability").Select(probability => probability > model.ProbabilityThreshold).ToArray(),
            scored.GetColumn<bool>("PredictedLabel").ToArray());
        var metrics = _ml.FineTuning.EvaluateBinary(scored, "Yes");
        Assert.IsGreaterThanOrEqualTo(0.9, metrics.PositiveRecall);
        Assert.AreEqual(_ml.BinaryClassification.Evaluate(scored, "Yes").AreaUnderRocCurve, metrics.AreaUnderRocCurve);
        Assert.AreEqual(_ml.BinaryClassification.Evaluate(scored, "Yes").LogLoss, metrics.LogLoss);
        Assert.AreNotEqual(1f, model.Calibration!.Temperature);
        StringAssert.Contains(log.ToString(), "Decision threshold tuned by Recall(0.9) on 60 validation rows: a probability above 0.");
    }

    [TestMethod]
    public void AGivenThresholdHoldsWithoutValidation()
    {
        using var model = _ml.BinaryClassification.Trainers.FineTuneModule(
            Options with { Task = LearningTask.Binary(threshold: DecisionThreshold.Fixed(0.8f)), Validation = ValidationData.None })
                .Fit(Train);

        Assert.AreEqual(0.8f, model.ProbabilityThreshold!.Value, 1e-6f);
        var probabilities = model.Transform(Held).GetColumn<float>("Probability").ToArray();
        CollectionAssert.AreEqual(probabilities.Select(probability => probability > 0.8f).ToArray(), Predicted(model));
    }

    [TestMethod]
    public void EpochsAreJudgedAsMlNetJudges()
    {
        var options = Options with { Validation = ValidationData.Set(Held), Metric = Metric.AreaUnderRocCurve };
        using var model = _ml.BinaryClassification.Trainers.FineTuneModule(options).Fit(Train);

        var metrics = _ml.BinaryClassification.Evaluate(model.Transform(Held), "Yes");
        var epoch = model.Report!.Epochs[model.Report.BestEpoch - 1].Metrics;
        Assert.AreEqual(metrics.AreaUnderRocCurve, epoch["AreaUnderRocCurve"], 1e-6);
        Assert.AreEqual(metrics.Accuracy, epoch["Accuracy"], 1e-9);
        Assert.AreEqual(metrics.F1Score, epoch["F1"], 1e-6);
        Assert.AreEqual(model.Report.Epochs.Max(one => one.Metrics["AreaUnderRocCurve"]), epoch["AreaUnderRocCurve"]);
    }

    [TestMethod]
    public void WhereTheRowsAreOfOneKindHalfStaysAndNoNumberChoosesNoEpoch()
    {
        var log = new LogLines(_ml);
        var allNo = SmallModules.View(_ml, TableRow.Many(60, seed: 5).Where(row => !row.Yes));
        var options = Options with
        {
            Task = LearningTask.Binary(threshold: DecisionThreshold.F1),
            Validation = ValidationData.Set(allNo),
            Metric = Metric.AreaUnderRocCurve,
        };
        using var model = _ml.BinaryClassification.Trainers.FineTuneModule(options).Fit(Train);

        Assert.AreEqual(0.5f, model.ProbabilityThreshold);
        StringAssert.Contains(string.Join('\n', log.Warnings), "The decision threshold stays at the probability 0.5: F1 chooses none");
        var epochs = model.Report!.Epochs;
        Assert.IsTrue(epochs.All(epoch => double.IsNaN(epoch.Metrics["AreaUnderRocCurve"])));
        Assert.AreEqual(epochs.MinBy(epoch => epoch.ValidationLoss)!.Epoch, model.Report.BestEpoch, "the loss decides");
        using var loaded = SmallModules.Reload(_ml, model); // what is NaN is not in the file
        Assert.AreEqual(0.5f, loaded.ProbabilityThreshold);
    }

    [TestMethod]
    public void NoNumberIsWorseThanEveryNumber()
    {
        Evaluation[] epochs = [Of(double.NaN, 3), Of(double.NaN, 2), Of(0.2, 9), Of(double.NaN, 1), Of(0.3, 9)];
        Evaluation? best = null;
        foreach (var epoch in epochs)
            best = epoch.IsBetterThan(best, Metric.F1) ? epoch : best;
        Assert.AreSame(epochs[4], best);
        Assert.IsTrue(epochs[1].IsBetterThan(epochs[0], Metric.F1));
        Assert.IsFalse(epochs[0].IsBetterThan(epochs[1], Metric.F1));

        static Evaluation Of(double value, double loss) => new(loss, new Dictionary<string, double> { ["F1"] = value });
    }

    [TestMethod]
    public void WhatCannotBeIsRefused()
    {
        foreach (var probability in new[] { 0, 1, -0.5f, float.NaN })
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => DecisionThreshold.Fixed(probability));
        Assert.AreEqual(DecisionThreshold.Default, DecisionThreshold.Fixed(0.5f));
        Assert.AreEqual("Fixed(0.25)", DecisionThreshold.Fixed(0.25f).ToString());
        var error = Assert.ThrowsExactly<ArgumentException>(() => _ml.BinaryClassification.Trainers.FineTuneModule(
            Options with { Task = LearningTask.Binary(threshold: DecisionThreshold.F1), Validation = ValidationData.None }));
        StringAssert.Contains(error.Message, "The decision threshold F1 needs validation");
        var ofOthers = Assert.ThrowsExactly<InvalidOperationException>(() => _ml.BinaryClassification.Trainers.FineTuneModule(
            Options with { Metric = Metric.RSquared }).Fit(Train));
        StringAssert.Contains(ofOthers.Message, "it has Loss, Accuracy, AreaUnderRocCurve, F1");
    }

    [TestMethod]
    public void LabelsThatNoThresholdGivesAreNotJudged()
    {
        var rows = new[] { new { Label = true, Score = 1f, Probability = 0.7f, PredictedLabel = false },
            new { Label = true, Score = -1f, Probability = 0.3f, PredictedLabel = true } };
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => _ml.FineTuning.EvaluateBinary(_ml.Data.LoadFromEnumerable(rows)));
        StringAssert.Contains(error.Message, "'PredictedLabel' does not follow from column 'Score' by a threshold");
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.FineTuning.EvaluateBinary(_ml.Data.LoadFromEnumerable(rows), "Yes"));
    }

    [TestMethod]
    public void WhereEveryRowIsTakenForPositiveTheRankingStays()
    {
        var rows = Enumerable.Range(0, 10).Select(i => new
        {
            Label = i % 3 == 0,
            Score = 0.1f * i,
            Probability = 0.5f + 0.04f * i,
            PredictedLabel = true,
        });
        var view = _ml.Data.LoadFromEnumerable(rows.ToArray());
        var metrics = _ml.FineTuning.EvaluateBinary(view);
        Assert.AreEqual(_ml.BinaryClassification.Evaluate(view).AreaUnderRocCurve, metrics.AreaUnderRocCurve, 1e-12);
        Assert.AreEqual((1, 0.4), (metrics.PositiveRecall, metrics.PositivePrecision));
    }

    [TestMethod]
    public void AThresholdThatIsNoNumberIsADamagedFile()
    {
        var zip = ScalarModels.Zip("binary");
        var damaged = Zip.With(zip, "manifest.json", content =>
        {
            var manifest = JsonNode.Parse(content)!;
            Assert.IsTrue(float.IsFinite((float)manifest["Task"]!["Threshold"]!));
            manifest["Task"]!["Threshold"] = "NaN";
            return Encoding.UTF8.GetBytes(manifest.ToJsonString());
        });
        var error = Assert.Throws<Exception>(() => _ml.Model.Load(new MemoryStream(damaged), out _));
        StringAssert.Contains(error.Message + error.InnerException?.Message, "decision threshold is NaN");
    }

    private float[] Scores(FineTuningTransformer model) => [.. model.Transform(Held).GetColumn<float>("Score")];

    private bool[] Predicted(FineTuningTransformer model) => [.. model.Transform(Held).GetColumn<bool>("PredictedLabel")];

    private static double ValueAt(string name, float[] scores, bool[] labels, float threshold)
    {
        double tp = 0, fp = 0, fn = 0, tn = 0;
        foreach (var (score, label) in scores.Zip(labels))
        {
            (tp, fp) = score > threshold ? label ? (tp + 1, fp) : (tp, fp + 1) : (tp, fp);
            (fn, tn) = score > threshold ? (fn, tn) : label ? (fn + 1, tn) : (fn, tn + 1);
        }
        return name switch
        {
            "F1" => 2 * tp / (2 * tp + fp + fn),
            "Accuracy" => (tp + tn) / labels.Length,
            _ => tp / (tp + fn) + tn / (tn + fp) - 1,
        };
    }
}
