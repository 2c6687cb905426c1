using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>Several labels a row through ML.NET with modules: fit, evaluate, save, load, one row at a time, cross-validation.</summary>
[TestClass]
public sealed class MultiLabelTaskTests
{
    private readonly MLContext _ml = new(seed: 1);

    private static ModuleFineTuningOptions Options => new()
    {
        Task = LearningTask.MultiLabel(),
        Factory = new TwoLayersFactory(),
        LabelColumnName = "Labels",
        Epochs = 12,
        LearningRate = 0.03f,
        Seed = 1,
        Workers = 1,
    };

    [TestMethod]
    [DataRow("Labels")]
    [DataRow("Keys")]
    public void AModuleIsFittedEvaluatedSavedAndLoaded(string label)
    {
        using var model = _ml.FineTuning.FineTuneModule(Options with { LabelColumnName = label }).Fit(Train());
        var scored = model.Transform(Test());

        var metrics = _ml.FineTuning.EvaluateMultiLabel(scored, label);
        Assert.IsGreaterThan(0.85, metrics.MeanAveragePrecision);
        Assert.IsGreaterThan(0.8, metrics.MicroF1);
        CollectionAssert.AreEqual(TagRow.Names, metrics.LabelNames.ToArray());
        CollectionAssert.AreEqual(TagRow.Names, model.Classes.ToArray());
        CollectionAssert.AreEqual(new[] { 0.5f, 0.5f, 0.5f }, model.LabelThresholds.ToArray());
        Assert.AreEqual(0, model.Report!.RowsWithoutLabel, "an empty list is a row without tags");

        foreach (var name in (string[])["Score", "PredictedLabel"])
        {
            VBuffer<ReadOnlyMemory<char>> slots = default;
            scored.Schema[name].GetSlotNames(ref slots);
            CollectionAssert.AreEqual(TagRow.Names, slots.DenseValues().Select(slot => slot.ToString()).ToArray(), name);
        }
        Assert.AreEqual(label == "Keys", scored.Schema["Score"].Annotations.Schema.GetColumnOrNull("TrainingLabelValues") is not null);
        var expected = scored.GetColumn<float[]>("Score").SelectMany(scores => scores).ToArray();
        Assert.IsTrue(expected.All(score => score is >= 0 and <= 1));
        CollectionAssert.AreEqual(
            expected.Select(score => score > 0.5f).ToArray(),
            scored.GetColumn<bool[]>("PredictedLabel").SelectMany(labels => labels).ToArray());

        using var loaded = SmallModules.Reload(_ml, model);
        var again = loaded.Transform(Test());
        Assert.AreEqual(scored.Schema.ToString(), again.Schema.ToString());
        CollectionAssert.AreEqual(
            expected.Select(BitConverter.SingleToInt32Bits).ToArray(),
            again.GetColumn<float[]>("Score").SelectMany(scores => scores).Select(BitConverter.SingleToInt32Bits).ToArray());
        CollectionAssert.AreEqual(TagRow.Names, loaded.Classes.ToArray());

        using var engine = _ml.Model.CreatePredictionEngine<TagRow, Prediction>(
            model, new PredictionEngineOptions { OwnsTransformer = false });
        foreach (var (row, place) in TagRow.Many(150, seed: 2).Take(10).Select((row, place) => (row, place)))
        {
            var prediction = engine.Predict(row);
            SmallTraining.AssertClose([expected[(place * 3)..(place * 3 + 3)]], [prediction.Score]);
            CollectionAssert.AreEqual(prediction.Score.Select(score => score > 0.5f).ToArray(), prediction.PredictedLabel);
        }
    }

    [TestMethod]
    public void KeysAndBooleansOfTheSameLabelsTrainTheSameWeights()
    {
        using var booleans = _ml.FineTuning.FineTuneModule(Options with { Epochs = 2 }).Fit(Train());
        using var keys = _ml.FineTuning.FineTuneModule(Options with { Epochs = 2, LabelColumnName = "Keys" }).Fit(Train());
        CollectionAssert.AreEqual(SmallModules.WeightsOf(booleans), SmallModules.WeightsOf(keys));
    }

    /// <summary>The validation set's keys are numbered otherwise, and its Booleans lie in another order.</summary>
    [TestMethod]
    public void ValidationJudgesAsTheEvaluatorDoesAndMatchesByName()
    {
        var options = Options with { LabelColumnName = "Keys", Epochs = 3, Validation = ValidationData.Set(Test("Cat", "Ant", "Bee")) };
        using var model = _ml.FineTuning.FineTuneModule(options).Fit(Train());
        var metrics = _ml.FineTuning.EvaluateMultiLabel(model.Transform(Test()), "Keys");
        var best = model.Report!.Epochs[model.Report.BestEpoch - 1];
        Assert.AreEqual(metrics.MeanAveragePrecision, best.Metrics["MeanAveragePrecision"], 1e-9);
        Assert.AreEqual(metrics.MicroF1, best.Metrics["MicroF1"], 1e-9);
        Assert.AreEqual(metrics.MacroF1, best.Metrics["MacroF1"], 1e-9);
        Assert.AreEqual(metrics.HammingLoss, best.Metrics["HammingLoss"], 1e-9);

        var moved = _ml.Transforms.Concatenate("Labels", "Cat", "Ant", "Bee").Fit(Test()).Transform(Test());
        var ofBooleans = Options with { Epochs = 3, Validation = ValidationData.Set(moved) };
        using var booleans = _ml.FineTuning.FineTuneModule(ofBooleans).Fit(Train());
        Assert.AreEqual(best.ValidationLoss, booleans.Report!.Epochs[model.Report.BestEpoch - 1].ValidationLoss);
    }

    [TestMethod]
    [DataRow("MeanAveragePrecision")]
    [DataRow("MicroF1")]
    [DataRow("MacroF1")]
    [DataRow("HammingLoss")]
    public void AMetricChoosesTheEpoch(string name)
    {
        var metric = name switch
        {
            "MeanAveragePrecision" => Metric.MeanAveragePrecision,
            "MicroF1" => Metric.MicroF1,
            "MacroF1" => Metric.MacroF1,
            _ => Metric.HammingLoss,
        };
        using var model = _ml.FineTuning.FineTuneModule(Options with { Metric = metric, Epochs = 5, LearningRate = 0.2f }).Fit(Train());
        var values = model.Report!.Epochs.Select(epoch => epoch.Metrics[name]).ToList();
        Assert.AreEqual(metric.HigherIsBetter ? values.Max() : values.Min(), values[model.Report.BestEpoch - 1]);
    }

    /// <summary>Average precision is undefined if no row has a label: it selects no epoch, and files and page show that.</summary>
    [TestMethod]
    public void ValidationRowsWithoutLabelsAreJudgedByWhatIsDefined()
    {
        using var folder = new Folder();
        var options = Options with
        {
            Task = LearningTask.MultiLabel(threshold: DecisionThreshold.F1),
            Metric = Metric.MeanAveragePrecision,
            Validation = ValidationData.Set(TagRow.View(_ml, TagRow.Many(60).Where(row => row.Tags.Length == 0))),
            RunFolder = folder.File("run"),
            Epochs = 2,
        };
        var log = new LogLines(_ml);
        using var model = _ml.FineTuning.FineTuneModule(options).Fit(Train());

        var losses = model.Report!.Epochs.Select(epoch => epoch.ValidationLoss!.Value).ToList();
        Assert.AreEqual(losses.Min(), losses[model.Report.BestEpoch - 1], "where the metric is undefined the loss chooses");
        Assert.IsTrue(double.IsNaN(model.Report.Epochs[0].Metrics["MeanAveragePrecision"]));
        CollectionAssert.AreEqual(new[] { 0.5f, 0.5f, 0.5f }, model.LabelThresholds.ToArray());
        StringAssert.Contains(string.Join("\n", log.Warnings),
            "validation rows have Ant, Bee, Cat, or no threshold reaches the target, so that their thresholds stay 0.5");
        StringAssert.Contains(File.ReadAllText(folder.File("run/report.html")), "<td><bdi>Ant</bdi></td><td class=\"number\">0</td>");
        using var loaded = SmallModules.Reload(_ml, model);
        CollectionAssert.AreEqual(TagRow.Names, loaded.Classes.ToArray());
    }

    /// <summary>
    /// A resumed training and a completed one tune the same thresholds: the second scores the validation rows again, since it has seen no
    /// evaluation.
    /// </summary>
    [TestMethod]
    public void ATrainingThatGoesOnTunesTheSameThresholds()
    {
        using var folder = new Folder();
        var task = LearningTask.MultiLabel(threshold: DecisionThreshold.F1);
        var options = Options with { Task = task, LabelColumnName = "Keys", Epochs = 4 };
        using var whole = _ml.FineTuning.FineTuneModule(options).Fit(Train());

        using var source = new CancellationTokenSource();
        var kept = options with { Checkpoint = TrainingCheckpoint.EveryEpochs(folder.File("checkpoints")) };
        var stopped = kept with { CancellationToken = source.Token, Progress = new After(epoch: 2, source.Cancel) };
        Assert.Throws<OperationCanceledException>(() => _ml.FineTuning.FineTuneModule(stopped).Fit(Train()));
        for (var run = 0; run < 2; run++)
        {
            using var model = _ml.FineTuning.FineTuneModule(kept).Fit(Train());
            CollectionAssert.AreEqual(SmallModules.WeightsOf(whole), SmallModules.WeightsOf(model), $"run {run}");
            CollectionAssert.AreEqual(whole.LabelThresholds.ToArray(), model.LabelThresholds.ToArray(), $"run {run}");
        }
    }

    [TestMethod]
    public void BalancedWeightsCountRowsByTheirWeights()
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        var task = new BoundMultiLabel(
            new TaskColumns("Label"), ["a"], keys: null, new MultiLabelTask(PositiveWeights.Balanced(), DecisionThreshold.Default), [0.5f]);
        foreach (var (weights, expected) in ((float[]?, double)[])[(null, 3), ([3, 1, 1, 1], 1)])
        {
            var rows = new MlNetFineTune.Data.LabeledData(
                inputs: null!, [1, 0, 0, 0], [0, 1, 2, 3], groups: null, withoutLabel: 0, weights);
            var objective = task.Training(new MlNetFineTune.Data.RowSubset(rows, [0, 1, 2, 3]), softTargets: null);
            var targets = new Targets(TorchSharp.torch.ones(1, 1));
            var loss = objective.Loss(TorchSharp.torch.zeros(1, 1), targets).item<float>();
            Assert.AreEqual(expected * Math.Log(2), loss, 1e-6);
        }
    }

    [TestMethod]
    public void TunedThresholdsGiveTheGreatestF1AndStayInTheFile()
    {
        var options = Options with
        {
            Task = LearningTask.MultiLabel(threshold: DecisionThreshold.F1),
            Epochs = 2,
            LearningRate = 0.01f,
            Validation = ValidationData.Set(Test()),
        };
        var log = new LogLines(_ml);
        using var model = _ml.FineTuning.FineTuneModule(options).Fit(Train());
        using var fixedThresholds = _ml.FineTuning.FineTuneModule(options with { Task = LearningTask.MultiLabel() }).Fit(Train());

        var tuned = _ml.FineTuning.EvaluateMultiLabel(model.Transform(Test()), "Labels");
        var plain = _ml.FineTuning.EvaluateMultiLabel(fixedThresholds.Transform(Test()), "Labels");
        Assert.AreEqual(plain.MeanAveragePrecision, tuned.MeanAveragePrecision, 1e-12, "the scores are the same");
        Assert.IsGreaterThan(plain.MacroF1, tuned.MacroF1);
        var scores = model.Transform(Test()).GetColumn<float[]>("Score").ToArray();
        bool[][] labels = [.. Test().GetColumn<bool[]>("Labels")];
        for (var label = 0; label < 3; label++)
        {
            var best = ThresholdTuning.Of(
                DecisionThreshold.F1, [.. scores.Select(row => row[label])], [.. labels.Select(row => row[label])])!.Value;
            Assert.AreEqual(best.Threshold, model.LabelThresholds[label], 1e-5f);
            Assert.AreEqual(best.Value, tuned.PerLabelF1[label], 1e-6);
        }
        StringAssert.Contains(log.ToString(), "Ant: threshold ");

        using var loaded = SmallModules.Reload(_ml, model);
        CollectionAssert.AreEqual(model.LabelThresholds.ToArray(), loaded.LabelThresholds.ToArray());
        Assert.AreEqual(tuned.MacroF1, _ml.FineTuning.EvaluateMultiLabel(loaded.Transform(Test()), "Labels").MacroF1);
    }

    [TestMethod]
    public void AFixedThresholdAndPositiveWeightsMovePredictions()
    {
        double Predicted(LearningTask task)
        {
            using var model = _ml.FineTuning.FineTuneModule(Options with { Task = task, Epochs = 1, LearningRate = 0.01f }).Fit(Train());
            return model.Transform(Test()).GetColumn<bool[]>("PredictedLabel").Sum(row => row.Count(label => label));
        }

        var plain = Predicted(LearningTask.MultiLabel());
        Assert.IsLessThan(plain, Predicted(LearningTask.MultiLabel(threshold: DecisionThreshold.Fixed(0.7f))));
        Assert.IsGreaterThan(plain, Predicted(LearningTask.MultiLabel(PositiveWeights.Of(5, 5, 5))));
        Assert.IsGreaterThan(plain, Predicted(LearningTask.MultiLabel(PositiveWeights.Balanced())));
    }

    [TestMethod]
    public void EpochsAreJudgedAtTheFixedThreshold()
    {
        var task = LearningTask.MultiLabel(threshold: DecisionThreshold.Fixed(0.3f));
        using var model = _ml.FineTuning.FineTuneModule(
            Options with { Task = task, Epochs = 2, Validation = ValidationData.Set(Test()) }).Fit(Train());

        var metrics = _ml.FineTuning.EvaluateMultiLabel(model.Transform(Test()), "Labels");
        var epoch = model.Report!.Epochs[model.Report.BestEpoch - 1].Metrics;
        Assert.AreEqual(metrics.MacroF1, epoch["MacroF1"], 1e-9);
        Assert.AreEqual(metrics.HammingLoss, epoch["HammingLoss"], 1e-9);
    }

    /// <summary>ML.NET's CrossValidate is one of each of its catalogs: here are its splits with our own metrics.</summary>
    [TestMethod]
    public void CrossValidationTrainsAFreshModuleInEachFold()
    {
        var trainer = _ml.FineTuning.FineTuneModule(Options with { Epochs = 6 });
        var folds = _ml.Data.CrossValidationSplit(Train(), numberOfFolds: 3);
        Assert.HasCount(3, folds);
        foreach (var fold in folds)
        {
            using var model = trainer.Fit(fold.TrainSet);
            Assert.IsGreaterThan(0.75, _ml.FineTuning.EvaluateMultiLabel(model.Transform(fold.TestSet), "Labels").MeanAveragePrecision);
        }
    }

    [TestMethod]
    public void TheSchemaThatIsPromisedIsTheOneThatComes()
    {
        foreach (var label in (string[])["Labels", "Keys"])
        {
            var trainer = _ml.FineTuning.FineTuneModule(Options with { LabelColumnName = label, Epochs = 1 });
            var promised = trainer.GetOutputSchema(ShapeOf(Train().Schema)).ToDictionary(column => column.Name);
            using var model = trainer.Fit(Train());
            var actual = ShapeOf(model.GetOutputSchema(Train().Schema)).ToDictionary(column => column.Name);
            foreach (var name in (string[])["Score", "PredictedLabel"])
            {
                var (before, after) = (promised[name], actual[name]);
                Assert.AreEqual((before.Kind, before.ItemType, before.IsKey), (after.Kind, after.ItemType, after.IsKey), name);
                CollectionAssert.AreEquivalent(
                    before.Annotations.Select(kind => kind.Name).ToArray(), after.Annotations.Select(kind => kind.Name).ToArray(), name);
            }
        }
    }

    [TestMethod]
    public void OtherLabelsAreRefusedInWords()
    {
        var view = _ml.Transforms.Conversion.MapValueToKey("One", "Ant").Fit(Train()).Transform(Train());
        foreach (var label in (string[])["Tags", "Features", "One", "Ant"])
        {
            var e = Assert.Throws<ArgumentOutOfRangeException>(
                () => _ml.FineTuning.FineTuneModule(Options with { LabelColumnName = label }).Fit(view));
            StringAssert.Contains(e.Message, "expected Vector<Boolean> of known size, or Vector<Key>");
        }
        StringAssert.Contains(
            Assert.Throws<ArgumentOutOfRangeException>(
                () => _ml.FineTuning.FineTuneModule(Options with { LabelColumnName = "Nothing" }).Fit(view)).Message, "'Nothing'");
    }

    [TestMethod]
    public void ValidationLabelsThatTrainingDoesNotKnowAreNamed()
    {
        var options = Options with { LabelColumnName = "Keys", Validation = ValidationData.Set(Test("Ant", "Bee", "Cat", "Dog")) };
        var e = Assert.Throws<InvalidOperationException>(() => _ml.FineTuning.FineTuneModule(options).Fit(Train()));
        StringAssert.Contains(e.Message, "validation label column 'Keys' has labels that the training data do not know: 'Dog'");

        var missing = Options with { Validation = ValidationData.Set(_ml.Transforms.DropColumns("Labels").Fit(Test()).Transform(Test())) };
        StringAssert.Contains(
            Assert.Throws<ArgumentOutOfRangeException>(() => _ml.FineTuning.FineTuneModule(missing).Fit(Train())).Message,
            "validation label");
    }

    [TestMethod]
    public void WhatCannotBeLearntIsSaid()
    {
        var log = new LogLines(_ml);
        var e = Assert.Throws<InvalidOperationException>(() => _ml.FineTuning.FineTuneModule(Options).Fit(
            TagRow.View(_ml, TagRow.Many(60).Where(row => row.Tags.Length == 0))));
        StringAssert.Contains(e.Message, "each of the labels in column 'Labels' (Ant, Bee, Cat) is there in none or in all of");

        using var model = _ml.FineTuning.FineTuneModule(Options with { Epochs = 1 }).Fit(
            TagRow.View(_ml, TagRow.Many(200).Where(row => !row.Cat && row.Ant)));
        StringAssert.Contains(string.Join("\n", log.Warnings), "No training row has Cat");
        StringAssert.Contains(string.Join("\n", log.Warnings), "Every training row has Ant");
    }

    [TestMethod]
    public void OptionsThatContradictThemselvesAreRefused()
    {
        var tuned = LearningTask.MultiLabel(threshold: DecisionThreshold.F1);
        StringAssert.Contains(
            Assert.Throws<ArgumentException>(
                () => _ml.FineTuning.FineTuneModule(Options with { Task = tuned, Validation = ValidationData.None })).Message,
            "threshold F1 needs validation");
        StringAssert.Contains(
            Assert.Throws<ArgumentException>(() => _ml.FineTuning.FineTuneModule(Options with { Task = null })).Message,
            "Task is not set, and ml.FineTuning trains any");
        StringAssert.Contains(
            Assert.Throws<ArgumentException>(() => _ml.MulticlassClassification.Trainers.FineTuneModule(Options)).Message,
            "or call ml.FineTuning.");
        StringAssert.Contains(
            Assert.Throws<InvalidOperationException>(
                () => _ml.FineTuning.FineTuneModule(Options with { Metric = Metric.Accuracy }).Fit(Train())).Message,
            "it has Loss, MeanAveragePrecision, MicroF1, MacroF1, HammingLoss");
        StringAssert.Contains(
            Assert.Throws<InvalidOperationException>(() => _ml.FineTuning.FineTuneModule(
                Options with { Task = LearningTask.MultiLabel(PositiveWeights.Of(("dog", 2))) }).Fit(Train())).Message, "dog");
        foreach (var threshold in (float[])[-0.1f, 1, float.NaN])
            Assert.Throws<ArgumentOutOfRangeException>(() => DecisionThreshold.Fixed(threshold));
        Assert.AreEqual(DecisionThreshold.Default, DecisionThreshold.Fixed(0.5f));
        Assert.AreEqual("MultiLabel(positiveWeights: None, threshold: Default)", LearningTask.MultiLabel().ToString());
        Assert.AreEqual(LearningTask.MultiLabel(), LearningTask.MultiLabel(PositiveWeights.None, DecisionThreshold.Fixed(0.5f)));
    }

    [TestMethod]
    public void EveryOptionOfTheTaskIsInItsFingerprint()
    {
        LearningTask[] tasks =
        [
            LearningTask.MultiLabel(), LearningTask.MultiLabel(PositiveWeights.Balanced()),
            LearningTask.MultiLabel(PositiveWeights.Balanced(0.5f)), LearningTask.MultiLabel(PositiveWeights.Of(1, 2)),
            LearningTask.MultiLabel(PositiveWeights.Of(("a", 2))), LearningTask.MultiLabel(threshold: DecisionThreshold.F1),
            LearningTask.MultiLabel(threshold: DecisionThreshold.Fixed(0.4f)),
        ];
        CollectionAssert.AllItemsAreUnique(tasks.Select(CanonicalJson.Of).ToArray());
    }

    /// <summary>ml.FineTuning's trainer for any task trains the same as those on ML.NET's catalogs.</summary>
    [TestMethod]
    public void AnyTaskIsTrainedOnTheOwnCatalog()
    {
        var view = SmallModules.View(_ml, TableRow.Many(60));
        using var own = _ml.FineTuning.FineTuneModule(SmallModules.Binary with { Epochs = 2 }).Fit(view);
        using var mlNets = _ml.BinaryClassification.Trainers.FineTuneModule(SmallModules.Binary with { Epochs = 2 }).Fit(view);
        CollectionAssert.AreEqual(SmallModules.WeightsOf(mlNets), SmallModules.WeightsOf(own));
    }

    [TestMethod]
    public void BalancedSamplingHasTheLabelsAsItsClasses()
    {
        float[] labels = [1, 0, 1, 0, 1, 0, 0, 1, 0, 0];
        var source = new MlNetFineTune.Data.LabeledData(
            inputs: null!, labels, [0, 1, 2, 3, 4], groups: null, withoutLabel: 0, weights: null, labelWidth: 2);
        var task = new BoundMultiLabel(new TaskColumns("Label"), ["a", "b"], keys: null, options: null, [0.5f, 0.5f]);
        var order = task.Balance(new MlNetFineTune.Data.RowSubset(source, [0, 1, 2, 3, 4]), [0, 1, 2, 3, 4], label: null)
            .Order(seed: 1, epoch: 0);
        Assert.HasCount(5, order);
        Assert.IsGreaterThanOrEqualTo(1, order.Count(row => row == 3), "the one row of b");
    }

    [TestMethod]
    public void ADamagedManifestIsRefused()
    {
        var columns = new TaskColumns("Label");
        Assert.Throws<ArgumentException>(() => new MultiLabelManifest(columns, [], []).Bind(null));
        Assert.Throws<ArgumentException>(() => new MultiLabelManifest(columns, ["a"], []).Bind(null));
        Assert.Throws<ArgumentException>(() => new MultiLabelManifest(columns, ["a"], [float.NaN]).Bind(null));
        Assert.IsInstanceOfType<BoundMultiLabel>(new MultiLabelManifest(columns, ["a"], [0.5f]).Bind(null));
    }

    // ML.NET keeps its own.
    private static SchemaShape ShapeOf(DataViewSchema schema) => (SchemaShape)typeof(SchemaShape)
        .GetMethod("Create", System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static)!.Invoke(null, [schema])!;

    private IDataView Train() => TagRow.View(_ml, TagRow.Many(240));

    private IDataView Test(params string[] order) => TagRow.View(_ml, TagRow.Many(150, seed: 2), order);

    private sealed class After(int epoch, Action act) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Epoch > epoch)
                act();
        }
    }

    private sealed class Prediction
    {
        public float[] Score { get; set; } = [];

        public bool[] PredictedLabel { get; set; } = [];
    }
}
