using Microsoft.ML;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using static Microsoft.ML.Transforms.ValueToKeyMappingEstimator.KeyOrdinality;

namespace MlNetFineTune.Tests.Training;

/// <summary>Trainings on pairs of rows and then of the head: <see cref="Strategy.ContrastiveThenProbe"/>.</summary>
[TestClass]
public sealed class ContrastiveTests : IDisposable
{
    private const int Iterations = 4;

    private readonly MLContext _ml = new(seed: 1);
    private readonly Folder _folder = new();
    private readonly TextRow[] _test = SmallTexts.Take(60, seed: 2);

    private static TextFineTuningOptions Options => SmallTexts.Options with
    {
        Strategy = Strategy.ContrastiveThenProbe(Iterations, encoderRate: 0.2f),
        LearningRate = 1e-2f,
        Epochs = 24,
        BatchSize = 8,
    };

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void ThePlanHasEpochsOfPairsAndThenThoseOfTheHead()
    {
        var network = SmallTexts.Backbone.Stages.Count;
        var plan = Options.Strategy.Resolve("bert", SmallTexts.Backbone.Stages, epochs: 24);
        using var empty = TextNetwork.CreateEmpty(SmallTexts.Backbone, features => new LinearHead(features, 2));
        var phases = plan.Resolve(empty).Phases;
        Assert.HasCount(2, phases);
        Assert.AreEqual((Iterations, 0, true), (phases[0].Epochs, phases[0].FrozenStages, phases[0].TrainsPairs));
        Assert.AreEqual((24 - Iterations, network, false), (phases[1].Epochs, phases[1].FrozenStages, phases[1].TrainsPairs));
        foreach (var parameter in empty.Parameters())
        {
            var isHead = parameter.Stage == network;
            Assert.AreEqual((isHead ? 0 : 0.2f, isHead ? 3f : 0), (phases[0].ScaleOf(parameter.Name), phases[1].ScaleOf(parameter.Name)));
        }
        var decayed = Strategy.ContrastiveThenProbe(1, 0.5f, layerDecay: 0.5f).Resolve("bert", SmallTexts.Backbone.Stages, epochs: 2)
            .Resolve(empty);
        CollectionAssert.AreEqual(
            new[] { 0.125f, 0.25f, 0.5f, 0 },
            empty.Parameters().GroupBy(parameter => parameter.Stage).OrderBy(stage => stage.Key)
                .Select(stage => decayed.Phases[0].ScaleOf(stage.First().Name)).ToArray());
        StringAssert.Contains(Options.Describe(), "Epochs 1 to 4: ");
        StringAssert.Contains(Options.Describe(), ", on pairs of rows");
    }

    [TestMethod]
    public void PairsTrainTheEncoderAndThenFeaturesTrainTheHead()
    {
        var log = new LogLines(_ml);
        using var model = Fit(Options with { Validation = ValidationData.Set(Test) });
        var report = model.Report!;
        Assert.HasCount(24, report.Epochs);
        Assert.IsLessThan(0.5 * report.Epochs[0].Loss, report.Epochs[Iterations - 1].Loss, "the loss of pairs falls");
        Assert.IsTrue(report.Epochs.Take(Iterations).All(epoch => epoch.ValidationLoss is null && epoch.Metrics.Count == 0));
        Assert.IsTrue(report.Epochs.Skip(Iterations).All(epoch => epoch.ValidationLoss is not null));
        Assert.IsGreaterThan(Iterations, report.BestEpoch);
        Assert.AreEqual(24, report.FeatureCache!.RowsComputed - _test.Length, "features are computed once");
        Assert.IsTrue(log.All.Any(line => line.EndsWith(", on pairs of rows.", StringComparison.Ordinal)), log.ToString());
        Assert.IsGreaterThan(0.9, Accuracy(model));
    }

    [TestMethod]
    public void FeaturesOfAClassBecomeAlikeWhereTheHeadAloneFails()
    {
        using var probe = Fit(Options with { Strategy = Strategy.HeadOnly });
        using var contrastive = Fit(Options);
        Assert.IsGreaterThan(Accuracy(probe), Accuracy(contrastive), "a random encoder");
    }

    [TestMethod]
    public void TheSameSeedGivesTheSameWeightsWithDropoutAndRecomputedActivations()
    {
        var options = Options with { Backbone = TextBackbone.FromFolder(SmallTexts.CreateFolder("bert", dropout: 0.1)), Epochs = 6 };
        using var first = Fit(options);
        using var second = Fit(options with { Workers = 3 });
        using var recomputed = Fit(options with { ActivationCheckpointing = true });
        using var other = Fit(options with { Seed = 2 });
        var weights = SmallTraining.WeightsOf(first);
        CollectionAssert.AreEqual(weights, SmallTraining.WeightsOf(second));
        CollectionAssert.AreEqual(weights, SmallTraining.WeightsOf(recomputed));
        CollectionAssert.AreNotEqual(weights, SmallTraining.WeightsOf(other));
    }

    [TestMethod]
    public void AProcessThatDiesGoesOnFromTheLastCheckpoint()
    {
        var basis = Options with
        {
            Backbone = TextBackbone.FromFolder(SmallTexts.CreateFolder("bert", dropout: 0.1)),
            Epochs = Iterations + 3,
            Validation = ValidationData.Fraction(0.25f),
            OnDivergence = Divergence.Throw(20),
        };
        using var whole = Fit(basis);
        var options = basis with { Checkpoint = TrainingCheckpoint.EverySteps(_folder.File("checkpoints"), steps: 2) };
        foreach (var steps in (int[])[3, 13, 19, 8]) // within the pairs, and after them
        {
            var lived = 0;
            var dies = new Watcher(progress =>
                _ = progress.Activity == TrainingActivity.Training && ++lived == steps ? throw new DivideByZeroException() : 0);
            Assert.Throws<DivideByZeroException>(() => Fit(options with { Progress = dies }));
        }

        using var resumed = Fit(options);

        Assert.IsTrue(resumed.Report!.Resumed is { Epochs: >= Iterations }, $"{resumed.Report.Resumed}");
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(whole), SmallTraining.WeightsOf(resumed));
        var refused = Assert.ThrowsExactly<InvalidOperationException>(
            () => Fit(options with { Strategy = Strategy.ContrastiveThenProbe(Iterations, encoderRate: 0.1f) }));
        StringAssert.Contains(refused.Message, "Plan[0].LearningRateScales.");
    }

    [TestMethod]
    public void SmallerBatchesOfAStepGiveTheSameStep()
    {
        var options = Options with { Epochs = Iterations + 1, BatchSize = 16 };
        using var whole = Fit(options);
        using var accumulated = Fit(options with { BatchSize = 8, AccumulationSteps = 2 });
        using var split = Fit(options with { MaxTokens = 60 });
        var expected = SmallTraining.Scores(whole.Transform(Test));
        SmallTraining.AssertClose(expected, SmallTraining.Scores(accumulated.Transform(Test)), 2e-4f);
        SmallTraining.AssertClose(expected, SmallTraining.Scores(split.Transform(Test)), 2e-4f);
    }

    [TestMethod]
    public void ATrainingThatIsStoppedOrCancelledWithinThePairsSaysSo()
    {
        var log = new LogLines(_ml);
        using var stop = new CancellationTokenSource();
        var stops = new Watcher(progress =>
        {
            if (progress.Epoch == 2)
                stop.Cancel();
        });
        using var stopped = Fit(Options with { StopToken = stop.Token, Progress = stops, Validation = ValidationData.Fraction(0.25f) });
        Assert.AreEqual((TrainingReport.EndReason.Stopped, 0), (stopped.Report!.End, stopped.Report.BestEpoch));
        StringAssert.Contains(log.Warnings.Single(), "before the first epoch of the head was complete");
        Assert.HasCount(60, SmallTraining.Scores(stopped.Transform(Test)));

        using var cancel = new CancellationTokenSource();
        var cancels = new Watcher(_ => cancel.Cancel());
        Assert.Throws<OperationCanceledException>(() => Fit(Options with { CancellationToken = cancel.Token, Progress = cancels }));
    }

    [TestMethod]
    public void LossesOfPairsAreNotComparedWithThoseOfTheTask()
    {
        // A head that hardly learns stays at ln 2, which is more than the pairs ever had.
        using var model = Fit(Options with
        {
            Strategy = Strategy.ContrastiveThenProbe(Iterations, encoderRate: 0.2f, probeRate: 0.01f),
            OnDivergence = Divergence.Throw(1.2f),
        });
        Assert.AreEqual(TrainingReport.EndReason.Completed, model.Report!.End);
        Assert.IsGreaterThan(1.2 * model.Report.Epochs[0].Loss, model.Report.Epochs[^1].Loss);
    }

    [TestMethod]
    public void ARowWithoutWeightIsInNoPair()
    {
        var rows = SmallTexts.Take(24).Select((row, index) => new WeightedText { Text = row.Text, Kind = row.Kind, Weight = 1 }).ToList();
        // The same texts with the other label would undo the training.
        var wrong = SmallTexts.Take(24).Select(row =>
            new WeightedText { Text = row.Text, Kind = row.IsGood ? "bad" : "good", Weight = 0 });
        using var model = _ml.MulticlassClassification.Trainers.FineTuneText(Options with { ExampleWeightColumnName = "Weight" })
            .Fit(Keys(rows.Concat(wrong)));
        Assert.IsGreaterThan(0.9, Accuracy(model));
    }

    [TestMethod]
    public void ClassesOfOneRowAreNamedAndAreAnErrorWhereThereAreNoOthers()
    {
        var log = new LogLines(_ml);
        TextRow[] rows = [.. SmallTexts.Take(12), new TextRow { Text = "the book", Kind = "plain" }];
        using (_ml.MulticlassClassification.Trainers.FineTuneText(Options with { Epochs = Iterations + 1 }).Fit(Keys(rows)))
        {
            StringAssert.StartsWith(
                log.Warnings.Single(), "1 of 3 classes have one training row, which is in no pair of the same class: plain.");
        }
        var error = Assert.ThrowsExactly<InvalidOperationException>(
            () => _ml.MulticlassClassification.Trainers.FineTuneText(Options).Fit(Keys(SmallTexts.Take(2))));
        StringAssert.Contains(error.Message, "each of the 2 classes has one training row: give at least one class more rows");
    }

    [TestMethod]
    public void PairsOfTextsOtherTasksAdaptersAndPicturesTrainToo()
    {
        using var second = Fit(Options with { SecondTextColumnName = nameof(TextRow.Second) });
        Assert.IsGreaterThan(0.8, Accuracy(second));
        using var binary = _ml.BinaryClassification.Trainers.FineTuneText(Options with { LabelColumnName = nameof(TextRow.IsGood) })
            .Fit(SmallTexts.View(_ml, SmallTexts.Take(24)));
        Assert.IsGreaterThan(0.9, _ml.BinaryClassification.Evaluate(binary.Transform(Test), nameof(TextRow.IsGood)).Accuracy);
        using var adapted = Fit(Options with
        {
            Adapter = Adapter.Lora(rank: 2, targets: ["query", "value"]),
            Strategy = Strategy.ContrastiveThenProbe(Iterations, encoderRate: 2),
        });
        Assert.IsLessThan(adapted.Report!.Epochs[0].Loss, adapted.Report.Epochs[Iterations - 1].Loss);
        using var averaged = Fit(Options with { WeightAveraging = WeightAveraging.Exponential(0.9f) });
        Assert.IsGreaterThan(0.9, Accuracy(averaged));

        var options = SmallTraining.Options with
        {
            Strategy = Strategy.ContrastiveThenProbe(Iterations, encoderRate: 1),
            Augmentation = Augmentation.Light,
            Epochs = 10,
            RunFolder = _folder.File("run"),
        };
        using var pictures = SmallTraining.Fit(_ml, options, SmallPictures.Take(8));
        Assert.IsLessThan(pictures.Report!.Epochs[0].Loss, pictures.Report.Epochs[Iterations - 1].Loss);
        Assert.IsTrue(File.Exists(Path.Combine(_folder.File("run"), "report.html")));
    }

    public static IEnumerable<object[]> Misfits =>
    [
        [
            Options with { Task = LearningTask.Multiclass(), Epochs = 4 },
            "needs more than 4 epochs, as the first 4 train on pairs and the others the head, and Epochs is 4",
        ],
        [Options with { Task = LearningTask.Regression() }, "For Regression take Strategy.Full() or ProbeThenFull()."],
        [Options with { Task = LearningTask.MultiLabel() }, "For MultiLabel take Strategy.Full()"],
        [Options with { Task = LearningTask.TokenClassification() }, "For TokenClassification take Strategy.Full()"],
        [
            Options with
            {
                Task = LearningTask.Several(
                    new TaskHead("A", LearningTask.Multiclass()), new TaskHead("B", LearningTask.Multiclass())),
            },
            "For Several take Strategy.Full()",
        ],
        [
            Options with
            {
                Task = LearningTask.Multiclass(),
                WeightAveraging = WeightAveraging.WiseFt(),
                Validation = ValidationData.Fraction(0.2f),
            },
            "WeightAveraging.WiseFt mixes the weights of two phases, and after pairs there is no trained head. Leave it out.",
        ],
        [
            SmallTraining.Options with
            {
                Task = LearningTask.Multiclass(),
                Strategy = Options.Strategy,
                Epochs = 9,
                Augmentation = Augmentation.MixUp(),
            },
            "MixUp blends rows of different classes. Leave it out.",
        ],
    ];

    [TestMethod]
    [DynamicData(nameof(Misfits))]
    public void WhatPairsCannotTrainIsRefusedByName(FineTuningOptions options, string expected)
    {
        var error = Assert.ThrowsExactly<ArgumentException>(() => options switch
        {
            TextFineTuningOptions texts => _ml.FineTuning.FineTuneText(texts),
            ImageFineTuningOptions images => _ml.FineTuning.FineTuneImages(images),
            _ => throw new InvalidOperationException(),
        });
        StringAssert.Contains(error.Message, expected);
        StringAssert.Contains(error.Message, "ContrastiveThenProbe(4, encoderRate: 0.2, probeRate: 3, layerDecay: 1)");
    }

    [TestMethod]
    public void ATeacherANetworkThatRunsAsAWholeAndNumbersOutOfRangeAreRefused()
    {
        using var teacher = Fit(SmallTexts.Options with { Epochs = 1 });
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => Fit(Options with { Distillation = Distillation.From(teacher) })).Message,
            "Distillation teaches outputs, which pairs do not have. Leave it out.");
        var whole = SmallModules.Multiclass with { Strategy = Options.Strategy, Epochs = 9 };
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() =>
                _ml.MulticlassClassification.Trainers.FineTuneModule(whole).Fit(SmallModules.View(_ml, TableRow.Many(12)))).Message,
            "compares the features before the head, and module 'two layers' runs as a whole: take Strategy.Full().");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Strategy.ContrastiveThenProbe(iterations: 0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Strategy.ContrastiveThenProbe(encoderRate: 0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Strategy.ContrastiveThenProbe(probeRate: float.NaN));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Strategy.ContrastiveThenProbe(layerDecay: 1.5f));
    }

    private IDataView Test => SmallTexts.View(_ml, _test);

    private FineTuningTransformer Fit(TextFineTuningOptions options) =>
        _ml.MulticlassClassification.Trainers.FineTuneText(options).Fit(SmallTexts.View(_ml, SmallTexts.Take(24)));

    private double Accuracy(ITransformer model) => _ml.MulticlassClassification.Evaluate(model.Transform(Test)).MicroAccuracy;

    private IDataView Keys<T>(IEnumerable<T> rows)
        where T : class
    {
        var data = _ml.Data.LoadFromEnumerable(rows);
        return _ml.Transforms.Conversion.MapValueToKey("Label", nameof(TextRow.Kind), keyOrdinality: ByValue).Fit(data).Transform(data);
    }

    private sealed class WeightedText
    {
        public string Text { get; set; } = "";

        public string Kind { get; set; } = "";

        public float Weight { get; set; }
    }
}
