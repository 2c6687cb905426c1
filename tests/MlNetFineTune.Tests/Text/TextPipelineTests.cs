using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Text;

/// <summary>Texts through ML.NET: fit, evaluate, save, load in another process, one row at a time.</summary>
[TestClass]
public sealed class TextPipelineTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TextRow[] _test = SmallTexts.Take(60, seed: 2);

    private IDataView Train => SmallTexts.View(_ml, SmallTexts.Take(160));

    private IDataView Test => SmallTexts.View(_ml, _test);

    [TestMethod]
    public void AClassifierIsFittedEvaluatedSavedAndLoadedInAnotherProcess()
    {
        var trainer = _ml.MulticlassClassification.Trainers.FineTuneText(SmallTexts.Options);
        using var model = trainer.Fit(Train);
        var scored = model.Transform(Test);
        var metrics = _ml.MulticlassClassification.Evaluate(scored);
        Assert.IsGreaterThan(0.9, metrics.MicroAccuracy);
        CollectionAssert.AreEqual(new[] { "bad", "good" }, model.Classes.ToArray());
        CollectionAssert.AreEqual(
            new[] { "embeddings", "layer0", "layer1", "head" }, model.Layers.Select(layer => layer.Name).ToArray());

        var path = Path.Combine(SmallPictures.NewFolder(), "model.zip");
        _ml.Model.Save(model, Test.Schema, path);
        var scores = SmallTraining.Scores(scored);
        using var loaded = (FineTuningTransformer)_ml.Model.Load(path, out _);
        SmallTraining.AssertSameBits(scores, SmallTraining.Scores(loaded.Transform(Test)));

        var printed = LoadOnly.Run([path, .. _test.Select(row => row.Text)]);
        var expected = scores.Select(row => string.Join(
            ' ', row.Select(score => BitConverter.SingleToInt32Bits(score).ToString("X8"))));
        CollectionAssert.AreEqual(
            expected.ToArray(), printed.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));

        using var engine = _ml.Model.CreatePredictionEngine<TextRow, ClassPrediction>(model);
        foreach (var (row, expectedScores) in _test.Zip(scores).Take(10))
            SmallTraining.AssertClose([expectedScores], [engine.Predict(row).Score]);
    }

    [TestMethod]
    public void ABinaryClassifierHasProbabilities()
    {
        var options = SmallTexts.Options with { LabelColumnName = nameof(TextRow.IsGood) };
        using var model = _ml.BinaryClassification.Trainers.FineTuneText(options).Fit(Train);
        Assert.IsGreaterThan(0.9, _ml.BinaryClassification.Evaluate(model.Transform(Test), nameof(TextRow.IsGood)).Accuracy);
    }

    [TestMethod]
    public void ARegressionReadsPairsOfTexts()
    {
        var options = SmallTexts.Options with
        {
            LabelColumnName = nameof(TextRow.Number),
            SecondTextColumnName = nameof(TextRow.Second),
            Epochs = 10,
        };
        using var model = _ml.Regression.Trainers.FineTuneText(options).Fit(Train);
        var scored = model.Transform(Test);
        Assert.IsGreaterThan(0.7, _ml.Regression.Evaluate(scored, nameof(TextRow.Number)).RSquared);

        // The second text enters as well.
        var changed = _test.Select(row => new TextRow { Text = row.Text, Second = "awful", Kind = row.Kind }).ToArray();
        CollectionAssert.AreNotEqual(
            scored.GetColumn<float>("Score").ToArray(), model.Transform(SmallTexts.View(_ml, changed)).GetColumn<float>("Score").ToArray());
    }

    [TestMethod]
    public void AnyTaskFitsThroughTheCatalogOfFineTuning()
    {
        var options = SmallTexts.Options with
        {
            LabelColumnName = "Label",
            Task = LearningTask.Multiclass(),
        };
        using var model = _ml.FineTuning.FineTuneText(options).Fit(Train);
        Assert.IsGreaterThan(0.9, _ml.MulticlassClassification.Evaluate(model.Transform(Test)).MicroAccuracy);
    }

    [TestMethod]
    [DataRow("roberta")]
    [DataRow("distilbert")]
    [DataRow("mpnet")]
    [DataRow("modernbert")]
    public void OtherKindsOfNetworkLearnToo(string kind)
    {
        var options = SmallTexts.Options with { Backbone = TextBackbone.FromFolder(SmallTexts.CreateFolder(kind)) };
        using var model = _ml.MulticlassClassification.Trainers.FineTuneText(options).Fit(Train);
        Assert.IsGreaterThan(0.9, _ml.MulticlassClassification.Evaluate(model.Transform(Test)).MicroAccuracy);
    }

    [TestMethod]
    public void TheSameSeedGivesTheSameWeightsWithDropout()
    {
        var options = SmallTexts.Options with { Backbone = WithDropout(), Epochs = 2 };
        using var first = Fit(options);
        using var second = Fit(options);
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(first), SmallTraining.WeightsOf(second));
        using var other = Fit(options with { Seed = 2 });
        CollectionAssert.AreNotEqual(SmallTraining.WeightsOf(first), SmallTraining.WeightsOf(other));
    }

    [TestMethod]
    public void ActivationCheckpointingGivesTheSameWeightsWithDropout()
    {
        var options = SmallTexts.Options with { Backbone = WithDropout(), Epochs = 2 };
        using var usual = Fit(options);
        using var checkpointed = Fit(options with { ActivationCheckpointing = true });
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(usual), SmallTraining.WeightsOf(checkpointed));
    }

    [TestMethod]
    [DataRow("mpnet", "encoder.layer.2.", "encoder.layer.3.")]
    [DataRow("modernbert", "layers.2.", "layers.3.")]
    public void FrozenLayersAreNotComputedAgain(string kind, string second, string third)
    {
        var folder = SmallTexts.CreateFolder(kind, dropout: 0.2, layers: 4);
        string[] upper = [second, third, "classifier."];
        var options = SmallTexts.Options with
        {
            Backbone = TextBackbone.FromFolder(folder),
            Strategy = Strategy.Custom(name => upper.Any(beginning => name.StartsWith(beginning, StringComparison.Ordinal)) ? 1 : 0),
            Epochs = 1,
        };
        using var usual = Fit(options);
        using var checkpointed = Fit(options with { ActivationCheckpointing = true });
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(usual), SmallTraining.WeightsOf(checkpointed));

        // Stages of a step, by a network of 5 stages of which 3 are frozen: stages 0 to 3 run, then stage 3 runs again.
        using var scope = NewDisposeScope();
        using var network = TextNetwork.Create(options.Backbone, features => new LinearHead(features, 2), seed: 1);
        var plan = PlanRules.Trains(network.Stages.Count, trained: 2, layerDecay: 1, epochs: 1).Resolve(network);
        ParameterGroups.Apply(plan.Phases[0], network);
        network.BeginTraining(3);
        var inputs = new ModelInputs(tensor(new long[] { 2, 5, 6, 3 }, [2, 2], ScalarType.Int64), new Dictionary<string, Tensor>());
        var counted = new CheckpointedStages(
            network, first: 0, frozen: 3, seed: 1, (some, stage, step) => network.ForwardInTraining(some, stage, seed: 1, step));
        counted.Forward(inputs, batch: 0).sum().backward();
        Assert.AreEqual(1, counted.Kept);
        counted.Backward();
        Assert.AreEqual(0, counted.Kept);
    }

    [TestMethod]
    public void ABatchThatIsSplitByMaxTokensGivesTheSameStep()
    {
        var options = SmallTexts.Options with { Epochs = 2 };
        using var whole = Fit(options);
        using var split = Fit(options with { MaxTokens = 40 });
        SmallTraining.AssertClose(SmallTraining.Scores(whole.Transform(Test)), SmallTraining.Scores(split.Transform(Test)), 2e-4f);
    }

    [TestMethod]
    public void CachedFeaturesChangeOnlyRounding()
    {
        var options = SmallTexts.Options with { Strategy = Strategy.HeadOnly, Epochs = 4 };
        using var cached = Fit(options);
        using var computed = Fit(options with { FeatureCache = FeatureCache.None });
        Assert.IsGreaterThan(0, cached.Report!.FeatureCache!.RowsComputed);
        SmallTraining.AssertClose(SmallTraining.Scores(cached.Transform(Test)), SmallTraining.Scores(computed.Transform(Test)), 1e-4f);
    }

    [TestMethod]
    public void AnAdapterIsSavedAloneAndGradualUnfreezingTrainsEveryStage()
    {
        var options = SmallTexts.Options with
        {
            Adapter = Adapter.Lora(rank: 2, targets: ["query", "value"]),
            Epochs = 8,
            LearningRate = 2e-2f,
        };
        using (var adapted = Fit(options))
        {
            Assert.IsTrue(adapted.Layers[1].TrainedParameters is > 0 and < 500, $"{adapted.Layers[1]}");
            Assert.IsGreaterThan(0.7, _ml.MulticlassClassification.Evaluate(adapted.Transform(Test)).MicroAccuracy);
            var path = Path.Combine(SmallPictures.NewFolder(), "model.zip");
            _ml.Model.Save(adapted, Test.Schema, path);
            using var loaded = (FineTuningTransformer)_ml.Model.Load(path, out _);
            SmallTraining.AssertClose(SmallTraining.Scores(adapted.Transform(Test)), SmallTraining.Scores(loaded.Transform(Test)));

            var file = Path.Combine(SmallPictures.NewFolder(), "texts.adapter.safetensors");
            adapted.SaveAdapter(file);
            using var again = _ml.Model.LoadAdapter(file, SmallTexts.Backbone);
            SmallTraining.AssertClose(SmallTraining.Scores(adapted.Transform(Test)), SmallTraining.Scores(again.Transform(Test)));
            using var dropping = _ml.Model.LoadAdapter(file, WithDropout()); // the same weights
            SmallTraining.AssertClose(SmallTraining.Scores(adapted.Transform(Test)), SmallTraining.Scores(dropping.Transform(Test)));
            StringAssert.Contains(
                Assert.ThrowsExactly<InvalidDataException>(() => _ml.Model.LoadAdapter(file, SmallTraining.Backbone)).Message,
                "give its TextBackbone");
            StringAssert.Contains(
                Assert.ThrowsExactly<InvalidDataException>(() => _ml.Model.LoadAdapter(file, SmallTexts.Backbone.KeepLayers(0))).Message,
                "a network of another form");
        }
        using var gradual = Fit(SmallTexts.Options with { Strategy = Strategy.Gradual(layerDecay: 1), Epochs = 6 });
        Assert.IsTrue(gradual.Layers.All(layer => layer.TrainedParameters > 0));
    }

    [TestMethod]
    public void ATrainingThatStopsWithinAnEpochGoesOnToTheSameBits()
    {
        var rows = SmallTexts.Take(80);
        rows[30].Text = string.Join(' ', Enumerable.Repeat("good film", 20));
        var data = SmallTexts.View(_ml, rows);
        var options = SmallTexts.Options with
        {
            Backbone = WithDropout(),
            Epochs = 3,
            MaxTokens = 40,
            Truncation = TextTruncation.Refuse,
            BadRows = BadRows.Skip(0.5f),
        };
        using var whole = Fit(options, data);
        Assert.HasCount(1, whole.Report!.BadRows);

        var resumable = options with { Checkpoint = TrainingCheckpoint.EverySteps(SmallPictures.NewFolder(), steps: 1) };
        foreach (var steps in (int[])[3, 9, 25])
        {
            var lived = 0;
            var dies = new Watcher(progress => _ = progress.Activity == TrainingActivity.Training && ++lived == steps
                ? throw new DivideByZeroException() : 0);
            Assert.Throws<DivideByZeroException>(() => Fit(resumable with { Progress = dies }, data));
        }

        using var resumed = Fit(resumable, data);
        Assert.IsNotNull(resumed.Report!.Resumed);
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(whole), SmallTraining.WeightsOf(resumed));
        CollectionAssert.AreEqual(
            whole.Report.Epochs.Select(epoch => epoch.Loss).ToArray(),
            resumed.Report.Epochs.Select(epoch => epoch.Loss).ToArray());
    }

    [TestMethod]
    public void AStudentWithoutSegmentsLearnsFromATeacherWithThem()
    {
        using var teacher = Fit(SmallTexts.Options);
        var student = SmallTexts.Options with
        {
            Backbone = TextBackbone.FromFolder(SmallTexts.CreateFolder("distilbert")),
            Distillation = Distillation.From(teacher),
        };
        using var model = Fit(student);
        Assert.IsGreaterThan(0.9, _ml.MulticlassClassification.Evaluate(model.Transform(Test)).MicroAccuracy);

        var error = Assert.ThrowsExactly<InvalidOperationException>(() => Fit(student with { MaximumLength = 20 })).Message;
        StringAssert.Contains(error, "The teacher alone has: texts of up to 24 tokens");
        StringAssert.Contains(error, "The student alone has: texts of up to 20 tokens");
    }

    [TestMethod]
    public void TheNameOfTheFolderIsNoPartOfTheComputation()
    {
        using var one = TextNetwork.CreateEmpty(SmallTexts.Backbone, features => new LinearHead(features, 2));
        using var other = TextNetwork.CreateEmpty(
            TextBackbone.FromFolder(SmallTexts.CreateFolder("bert")), features => new LinearHead(features, 2));
        Assert.AreNotEqual(one.Name, other.Name);
        Assert.AreEqual(one.Computation, other.Computation);
        Assert.AreEqual(one.Fingerprint, other.Fingerprint);
    }

    [TestMethod]
    public void AnEarlierModelIsContinuedWithItsTokenizer()
    {
        using var earlier = Fit(SmallTexts.Options);
        var path = Path.Combine(SmallPictures.NewFolder(), "model.zip");
        _ml.Model.Save(earlier, Test.Schema, path);
        using var loaded = (FineTuningTransformer)_ml.Model.Load(path, out _);

        using var continued = Fit(SmallTexts.Options with { Backbone = TextBackbone.FromModel(loaded), Epochs = 1, LearningRate = 1e-6f });
        SmallTraining.AssertClose(SmallTraining.Scores(earlier.Transform(Test)), SmallTraining.Scores(continued.Transform(Test)), 1e-3f);
    }

    [TestMethod]
    public void AStudentOfFewerLayersLearnsFromItsTeacher()
    {
        using var teacher = Fit(SmallTexts.Options);
        var student = TextBackbone.FromModel(teacher).KeepLayers(1);
        CollectionAssert.AreEqual(new[] { "embeddings", "layer0" }, student.Stages.ToArray());
        using var model = Fit(SmallTexts.Options with { Backbone = student, Distillation = Distillation.From(teacher), Epochs = 4 });
        Assert.IsGreaterThan(0.9, _ml.MulticlassClassification.Evaluate(model.Transform(Test)).MicroAccuracy);
    }

    [TestMethod]
    public void KeptLayersHaveTheirWeights()
    {
        var backbone = TextBackbone.FromFolder(SmallTexts.CreateFolder("bert", layers: 3));
        using var complete = backbone.CreateEncoder(seed: 1);
        using var kept = backbone.KeepLayers(0, 2).CreateEncoder(seed: 1);
        var original = complete.NamedParameters().ToDictionary(named => named.Name, named => named.Parameter.Values());
        foreach (var (name, parameter) in kept.NamedParameters())
        {
            CollectionAssert.AreEqual(
                original[name.Replace("encoder.layer.1.", "encoder.layer.2.", StringComparison.Ordinal)], parameter.Values(), name);
        }
    }

    [TestMethod]
    public void TheReportShowsTheTextsOfTheWorstMistakes()
    {
        var folder = SmallPictures.NewFolder();
        var options = SmallTexts.Options with { RunFolder = folder, Validation = ValidationData.Set(Test), Epochs = 2 };
        Fit(options).Dispose();
        var page = File.ReadAllText(Path.Combine(folder, "report.html"));
        Assert.IsTrue(_test.Any(row => row.Text.Length > 20 && page.Contains(row.Text, StringComparison.Ordinal)), "no text is shown");
    }

    [TestMethod]
    public void HalfPrecisionWeightsAndSavedWeightsRoundTrip()
    {
        using var model = Fit(SmallTexts.Options with { Epochs = 1 });
        using var half = model.WithHalfPrecisionWeights();
        SmallTraining.AssertClose(SmallTraining.Scores(model.Transform(Test)), SmallTraining.Scores(half.Transform(Test)), 1e-2f);

        var folder = SmallPictures.NewFolder();
        foreach (var file in new[] { "config.json", "vocab.txt", "tokenizer_config.json" })
            File.Copy(Path.Combine(SmallTexts.Folder, file), Path.Combine(folder, file));
        model.SaveWeights(Path.Combine(folder, "model.safetensors"));
        using var encoder = TextBackbone.FromFolder(folder).CreateEncoder(seed: 1);
        using var own = TextBackbone.FromModel(model).CreateEncoder(seed: 1);
        foreach (var (expected, actual) in own.NamedParameters().Zip(encoder.NamedParameters()))
            CollectionAssert.AreEqual(expected.Parameter.Values(), actual.Parameter.Values(), expected.Name);
    }

    private static TextBackbone WithDropout() => TextBackbone.FromFolder(SmallTexts.CreateFolder("bert", dropout: 0.2));

    private FineTuningTransformer Fit(TextFineTuningOptions options, IDataView? data = null) =>
        _ml.MulticlassClassification.Trainers.FineTuneText(options).Fit(data ?? Train);

    private sealed class ClassPrediction
    {
        public float[] Score { get; set; } = [];
    }
}
