using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>Several heads on one network, as a user has them.</summary>
[TestClass]
public sealed class SeveralTaskTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly SeveralRow[] _rows = SeveralRow.Take(15);

    [TestMethod]
    public void EveryHeadLearnsAndMlNetJudgesEach()
    {
        var test = SeveralRow.View(_ml, SeveralRow.Take(10, skip: 20));
        using var model = Trainer(SeveralRow.Options with { Epochs = 8 }) // a chain, which asks each estimator what it will add
            .Append(_ml.Transforms.Conversion.MapKeyToValue("Text", "KindPredictedLabel")).Fit(SeveralRow.View(_ml, _rows));
        var scored = model.Transform(test);

        Assert.IsGreaterThan(0.8, _ml.MulticlassClassification
            .Evaluate(scored, "Kind", "KindScore", predictedLabelColumnName: "KindPredictedLabel").MicroAccuracy);
        Assert.IsLessThan(0.6, _ml.Regression.Evaluate(scored, "Size", "SizeScore").RootMeanSquaredError);
        Assert.IsGreaterThan(0.9, _ml.BinaryClassification
            .Evaluate(scored, "Red", "RedScore", "RedProbability", "RedPredictedLabel").AreaUnderRocCurve);
        CollectionAssert.AreEqual(
            new[] { "KindScore", "KindPredictedLabel", "SizeScore", "RedScore", "RedProbability", "RedPredictedLabel", "Text" },
            scored.Schema.Skip(test.Schema.Count).Select(column => column.Name).ToArray());
    }

    [TestMethod]
    public void ARowMayLackALabelAndOneWithoutAnyIsLeftOut()
    {
        for (var i = 0; i < _rows.Length; i++)
            (_rows[i].Kind, _rows[i].Size) = (i % 3 == 0 ? "" : _rows[i].Kind, i % 5 == 0 ? float.NaN : _rows[i].Size);
        var options = SeveralRow.Options with
        {
            Task = LearningTask.Several(new("Kind", LearningTask.Multiclass()), new("Size", LearningTask.Regression())),
            Epochs = 1,
            Validation = ValidationData.Fraction(0.25f),
        };

        using var model = Fit(options, _rows);

        Assert.AreEqual(3, model.Report!.RowsWithoutLabel); // 0, 15 and 30 of 45
        Assert.AreEqual(42, model.Report.TrainingRows + model.Report.ValidationRows);
        Assert.IsTrue(model.Report.Epochs.All(epoch => double.IsFinite(epoch.Loss) && double.IsFinite(epoch.ValidationLoss!.Value)));
    }

    [TestMethod]
    public void ASplitKeepsTheClassesOfTheFirstHeadThatHasClassesEven()
    {
        var labels = SeveralRow.Options.TaskInForce.Bind(SeveralRow.View(_ml, _rows).Schema, SeveralRow.Options.Columns).Labels;

        Assert.AreEqual((3, 4), (labels.Width, labels.Strata));
        Assert.AreEqual(2, labels.StratumOf([2, 7, 1]));
        Assert.AreEqual(3, labels.StratumOf([float.NaN, 7, 1]));
        CollectionAssert.AreEqual(new[] { "Kind", "Size", "Red" }, labels.Columns.ToArray());
    }

    [TestMethod]
    public void MetricsAreNamedAfterTheLabelsAndOneOfThemChoosesTheEpoch()
    {
        var options = SeveralRow.Options
            with
        { Validation = ValidationData.Fraction(0.3f), Epochs = 4, Metric = Metric.Accuracy.Of("Kind") };
        using var model = Fit(options, _rows);

        var epochs = model.Report!.Epochs;
        foreach (var name in (string[])["Kind.Accuracy", "Size.RootMeanSquaredError", "Red.Accuracy"])
            Assert.IsTrue(epochs.All(epoch => double.IsFinite(epoch.Metrics[name])), name);
        Assert.AreEqual(epochs.Max(epoch => epoch.Metrics["Kind.Accuracy"]), epochs[model.Report.BestEpoch - 1].Metrics["Kind.Accuracy"]);
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(() => Fit(options with { Metric = Metric.Accuracy }, _rows)).Message,
                "Kind.Accuracy");
    }

    [TestMethod]
    public void TheSavedModelScoresTheSameBits()
    {
        var options = SeveralRow.Options with
        {
            Task = LearningTask.Several(
                new("Kind", LearningTask.Multiclass(calibration: Calibration.Temperature())), new("Size", LearningTask.Regression()),
                new("Red", LearningTask.Binary(calibration: Calibration.Temperature()))),
            Validation = ValidationData.Fraction(0.4f),
            ImageStatusColumnName = "Why",
            Epochs = 3,
            LearningRate = 1e-3f,
        };
        var test = SeveralRow.View(_ml, [.. SeveralRow.Take(4), new SeveralRow { ImagePath = "nowhere.png", Kind = "dots" }]);
        using var model = Fit(options, _rows);
        using var loaded = (FineTuningTransformer)new MLContext().Model.Load(new MemoryStream(SmallTraining.Save(_ml, model)), out _);

        var (expected, actual) = (model.Transform(test), loaded.Transform(test));
        SmallTraining.AssertSameBits(SmallTraining.Scores(expected, "KindScore"), SmallTraining.Scores(actual, "KindScore"));
        foreach (var column in (string[])["SizeScore", "RedScore", "RedProbability"])
            SmallTraining.AssertSameBits([[.. expected.GetColumn<float>(column)]], [[.. actual.GetColumn<float>(column)]]);
        Assert.AreEqual(expected.Schema.ToString(), actual.Schema.ToString());
        StringAssert.Contains(actual.GetColumn<string>("Why").Last(), "no such file");
        Assert.IsTrue(float.IsNaN(actual.GetColumn<float>("SizeScore").Last()));
        var kinds = _ml.Transforms.Conversion.MapKeyToValue("KindPredictedLabel").Fit(actual).Transform(actual)
            .GetColumn<string>("KindPredictedLabel");
        Assert.IsTrue(kinds.Take(12).All(SmallPictures.Classes.Contains));
    }

    [TestMethod]
    public void TwoHeadsOfClassesKeepTheirOwnKeys()
    {
        var view = _ml.Transforms.Conversion.MapValueToKey("RedKey", "Red").Fit(SeveralRow.View(_ml, _rows))
            .Transform(SeveralRow.View(_ml, _rows));
        var options = SeveralRow.Options with
        {
            Task = LearningTask.Several(new("RedKey", LearningTask.Multiclass()), new("Kind", LearningTask.Multiclass())),
            Epochs = 1,
        };
        using var model = (FineTuningTransformer)Trainer(options).Fit(view);
        var zip = SmallTraining.Save(_ml, model);
        using var loaded = (FineTuningTransformer)new MLContext().Model.Load(new MemoryStream(zip), out _);

        Assert.IsTrue(Zip.Read(zip).Keys.Any(name => name.EndsWith("heads.key", StringComparison.Ordinal)));
        var scored = loaded.Transform(view);
        CollectionAssert.AreEqual(new[] { 2, 3 },
            new[] { scored.GetColumn<float[]>("RedKeyScore").First().Length, scored.GetColumn<float[]>("KindScore").First().Length });
        var values = _ml.Transforms.Conversion.MapKeyToValue("RedKeyPredictedLabel").Fit(scored).Transform(scored);
        Assert.IsTrue(values.GetColumn<bool>("RedKeyPredictedLabel").Any());
    }

    [TestMethod]
    [TestCategory(Categories.Slow)]
    public void AFreshProcessLoadsTheModelAndGivesTheSameBits()
    {
        using var model = Fit(SeveralRow.Options with { Epochs = 1 }, _rows);
        var zip = Path.Combine(SmallPictures.NewFolder(), "model.zip");
        _ml.Model.Save(model, null, zip);

        var printed = LoadOnly.Run([zip, .. _rows.Select(row => row.ImagePath)]);

        CollectionAssert.AreEqual(
            SmallTraining.Scores(model.Transform(SeveralRow.View(_ml, _rows)), "KindScore")
                .Select(scores => string.Join(' ', SmallTraining.Bits(scores).Select(bits => bits.ToString("X8")))).ToArray(),
            printed.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    [TestMethod]
    public async Task EngineAndPredictorGiveWhatTransformGives()
    {
        using var model = Fit(SeveralRow.Options with { Epochs = 1 }, _rows);
        var scored = model.Transform(SeveralRow.View(_ml, _rows));
        var (kinds, sizes) = (SmallTraining.Scores(scored, "KindScore"), scored.GetColumn<float>("SizeScore").ToArray());

        using var engine = _ml.Model.CreatePredictionEngine<SeveralRow, SeveralScore>(model);
        var predicted = _rows.Select(engine.Predict).Select(one => (one.KindScore.ToArray(), one.SizeScore)).ToArray();
        SmallTraining.AssertClose(kinds, [.. predicted.Select(one => one.Item1)]);
        SmallTraining.AssertClose([sizes], [[.. predicted.Select(one => one.SizeScore)]]);
        await using var predictor = _ml.Model.CreatePredictor<SeveralRow, SeveralScore>(model);
        var served = await Task.WhenAll(_rows.Select(row => predictor.PredictAsync(row)));
        SmallTraining.AssertClose(kinds, [.. served.Select(one => one.KindScore)]);
        SmallTraining.AssertClose([sizes], [[.. served.Select(one => one.SizeScore)]]);
    }

    [TestMethod]
    public void ATrainingThatIsCancelledGoesOnToTheSameBits()
    {
        var options = SeveralRow.Options with { Epochs = 4, Validation = ValidationData.Fraction(0.25f) };
        using var whole = Fit(options, _rows);
        var checkpoint = options with { Checkpoint = TrainingCheckpoint.EveryEpochs(SmallPictures.NewFolder()) };
        using var source = new CancellationTokenSource();
        var watcher = new Watcher(progress =>
        {
            if (progress.Activity == TrainingActivity.Training && progress.Epoch == 3)
                source.Cancel();
        });
        Assert.Throws<OperationCanceledException>(
            () => Fit(checkpoint with { Progress = watcher, CancellationToken = source.Token }, _rows));

        using var resumed = Fit(checkpoint, _rows);
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(whole), SmallTraining.WeightsOf(resumed));
        var other = checkpoint with
        {
            Task = LearningTask.Several(
                new("Kind", LearningTask.Multiclass()), new("Size", LearningTask.Regression(), 0.75f), new("Red", LearningTask.Binary())),
        };
        StringAssert.Contains(Assert.Throws<InvalidOperationException>(() => Fit(other, _rows)).Message, "Weight");
    }

    [TestMethod]
    public void FoldsAdaptersTablesAndReportsWorkAsWithOneHead()
    {
        using var folder = new Folder();
        var data = SeveralRow.View(_ml, _rows);
        var weights = folder.File("micro.safetensors");
        using (var first = SmallTraining.LoadModel(_ml))
            first.SaveWeights(weights);
        var backbone = Backbone.Micro.WithWeights(weights);
        var options = SeveralRow.Options with
        {
            Backbone = backbone,
            Strategy = Strategy.LastStages(1),
            Adapter = Adapter.Lora(2),
            Epochs = 1,
            Validation = ValidationData.Fraction(0.3f),
            RunFolder = folder.File("run"),
        };
        foreach (var split in _ml.Data.CrossValidationSplit(data, numberOfFolds: 2))
        {
            using var model = (FineTuningTransformer)Trainer(options).Fit(split.TrainSet);
            var adapter = folder.File("adapter.safetensors");
            model.SaveAdapter(adapter);
            using var again = _ml.Model.LoadAdapter(adapter, backbone);
            SmallTraining.AssertSameBits(
                SmallTraining.Scores(model.Transform(split.TestSet), "KindScore"),
                    SmallTraining.Scores(again.Transform(split.TestSet), "KindScore"));
        }
        string[] columns = [.. File.ReadLines(Path.Combine(folder.File("run"), "history.csv")).First().Split(',')];
        foreach (var column in (string[])["validation_Kind_accuracy", "validation_Size_rmse", "validation_Red_area_under_roc_curve"])
            CollectionAssert.Contains(columns, column);
        Assert.IsTrue(File.Exists(Path.Combine(folder.File("run"), "report.html")));
        using var fused = (FineTuningTransformer)Trainer(SeveralRow.Options with
        {
            Task = LearningTask.Several(new("Kind", LearningTask.Multiclass()), new("Red", LearningTask.Binary())),
            TableColumns = ["Size"],
            Epochs = 1,
        }).Fit(data);
        Assert.HasCount(_rows.Length, SmallTraining.Scores(fused.Transform(data), "KindScore"));
    }

    [TestMethod]
    public void AModuleGivesTheOutputsOfAllHeads()
    {
        var rows = TableRow.Many(200);
        var options = SmallModules.Multiclass with
        {
            Task = LearningTask.Several(
                new("Kind", LearningTask.Multiclass()), new("Number", LearningTask.Regression()), new("Yes", LearningTask.Binary())),
            Epochs = 10,
        };
        var data = SmallModules.View(_ml, rows);
        using var model = (FineTuningTransformer)options.CreateTrainer(_ml).Fit(data);
        var scored = model.Transform(data);

        Assert.IsGreaterThan(0.8, _ml.MulticlassClassification
            .Evaluate(scored, "Kind", "KindScore", predictedLabelColumnName: "KindPredictedLabel").MicroAccuracy);
        Assert.IsGreaterThan(0.9, _ml.BinaryClassification
            .Evaluate(scored, "Yes", "YesScore", "YesProbability", "YesPredictedLabel").AreaUnderRocCurve);
    }

    [TestMethod]
    public void HeadsThatMakeNoSenseAreRefused()
    {
        var (kind, size) = (new TaskHead("Kind", LearningTask.Multiclass()), new TaskHead("Size", LearningTask.Regression()));
        Refuses(() => LearningTask.Several(kind), "Several heads are 2 to 1024, and there is one");
        Refuses(
            () => Trainer(SeveralRow.Options with { Sampling = Sampling.Balanced }),
            "Several has several labels, and one of them must be named; heads with classes are Kind, Red: "
                + "take Sampling.BalancedBy(\"Kind\")");
        Refuses(() => Trainer(SeveralRow.Options with { Sampling = Sampling.BalancedBy("Size") }), "head 'Size' is Regression, without");
        Refuses(() => Trainer(SeveralRow.Options with { Sampling = Sampling.BalancedBy("Label") }), "no head has the label 'Label'");
        Refuses(() => Sampling.BalancedBy(" "), "labelColumnName");
        Refuses(() => LearningTask.Several(kind, size, new("Kind", LearningTask.Binary())), "'Kind' has two heads");
        Refuses(() => new TaskHead("Both", LearningTask.Several(kind, size)), "A head has one task");
        Refuses(() => new TaskHead(" ", LearningTask.Binary()), "labelColumnName");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new TaskHead("Kind", LearningTask.Binary(), weight: 0));
        Refuses(() => Trainer(SeveralRow.Options with { Augmentation = Augmentation.MixUp() }), "MixUp blends rows and their labels");
        Refuses(() => _ml.MulticlassClassification.Trainers.FineTuneImages(SeveralRow.Options), "belongs to ml.FineTuning");
        Refuses(
            () => Trainer(SeveralRow.Options with
            {
                Task = LearningTask.Several(
                new("A", LearningTask.Regression()), new("AScore", LearningTask.Regression())),
                ImageStatusColumnName = "AScore"
            }),
            "both 'AScore'");
        var view = _ml.Data.LoadFromEnumerable(_rows);
        StringAssert.Contains(Assert.Throws<Exception>(() => Trainer(SeveralRow.Options).Fit(view)).Message, "'Kind'");

        static void Refuses(Func<object> make, string message) =>
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => make()).Message, message);
    }

    private FineTuningTransformer Fit(ImageFineTuningOptions options, SeveralRow[] rows) =>
        (FineTuningTransformer)Trainer(options).Fit(SeveralRow.View(_ml, rows));

    private FineTuningTrainer Trainer(ImageFineTuningOptions options) => (FineTuningTrainer)options.CreateTrainer(_ml);

    private sealed class SeveralScore
    {
        public float[] KindScore { get; set; } = [];

        public float SizeScore { get; set; }
    }
}
