using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Modules;

/// <summary>Every task through ML.NET: fit, evaluate, save, load, one row at a time.</summary>
[TestClass]
public sealed class ModulePipelineTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TableRow[] _test = TableRow.Many(150, seed: 2);

    [TestMethod]
    public void AMulticlassModuleIsFittedEvaluatedSavedAndLoaded()
    {
        using var model = _ml.MulticlassClassification.Trainers.FineTuneModule(SmallModules.Multiclass).Fit(Train());
        var scored = model.Transform(Test());

        var metrics = _ml.MulticlassClassification.Evaluate(scored, "Kind");
        Assert.IsGreaterThan(0.9, metrics.MicroAccuracy);
        Assert.IsLessThan(0.35, metrics.LogLoss);
        foreach (var scores in scored.GetColumn<float[]>("Score"))
            Assert.AreEqual(1, scores.Sum(), 1e-5);
        CollectionAssert.AreEqual(new[] { "kind0", "kind1", "kind2" }, model.Classes.ToArray());
        var best = model.Report!.Epochs[model.Report.BestEpoch - 1];
        Assert.IsGreaterThan(0.85, best.ValidationAccuracy!.Value);
        Assert.IsNull(best.ValidationRootMeanSquaredError);
        CollectionAssert.AreEqual(new[] { "first" }, model.Report.TrainedStages.ToArray(), "the last layer is the head");
        CheckReloaded(model, scored, view => view.GetColumn<float[]>("Score").SelectMany(scores => scores));
        CheckOneByOne<MulticlassPrediction>(
            model, scored.GetColumn<float[]>("Score").Select(scores => scores[1]), prediction => prediction.Score[1]);
    }

    [TestMethod]
    public void ABinaryModuleIsFittedEvaluatedSavedAndLoaded()
    {
        using var model = _ml.BinaryClassification.Trainers.FineTuneModule(SmallModules.Binary).Fit(Train());
        var scored = model.Transform(Test());

        var metrics = _ml.BinaryClassification.Evaluate(scored, "Yes");
        Assert.IsGreaterThan(0.9, metrics.Accuracy);
        Assert.IsGreaterThan(0.95, metrics.AreaUnderRocCurve);
        Assert.IsLessThan(0.4, metrics.LogLoss);
        var logits = scored.GetColumn<float>("Score").ToArray();
        CollectionAssert.AreEqual(logits.Select(logit => logit > 0).ToArray(), scored.GetColumn<bool>("PredictedLabel").ToArray());
        foreach (var (logit, probability) in logits.Zip(scored.GetColumn<float>("Probability")))
            Assert.AreEqual(1 / (1 + Math.Exp(-logit)), probability, 1e-6);
        CheckReloaded(model, scored, view => view.GetColumn<float>("Score"));
        CheckOneByOne<BinaryPrediction>(model, scored.GetColumn<float>("Probability"), prediction => prediction.Probability);
    }

    [TestMethod]
    public void ARegressionModuleIsFittedEvaluatedSavedAndLoaded()
    {
        var options = SmallModules.Regression with
        {
            Factory = new EmbeddedFactory(),
            Inputs = ["Features", "Color"],
            Epochs = 40,
            Task = LearningTask.Regression(standardize: false),
        };
        using var model = _ml.Regression.Trainers.FineTuneModule(options).Fit(Train());
        var scored = model.Transform(Test());

        var metrics = _ml.Regression.Evaluate(scored, "Number");
        Assert.IsGreaterThan(0.85, metrics.RSquared, "features and color together");
        var best = model.Report!.Epochs[model.Report.BestEpoch - 1];
        Assert.IsNull(best.ValidationAccuracy);
        Assert.AreEqual(Math.Sqrt(best.ValidationLoss!.Value), best.ValidationRootMeanSquaredError!.Value, 1e-6);
        Assert.IsEmpty(model.Classes);
        CheckReloaded(model, scored, view => view.GetColumn<float>("Score"));
    }

    [TestMethod]
    public void ValidationJudgesAsMlNetDoes()
    {
        var options = SmallModules.Regression with { Validation = ValidationData.Set(Test()), Epochs = 3 };
        using var model = _ml.Regression.Trainers.FineTuneModule(options).Fit(Train());
        var metrics = _ml.Regression.Evaluate(model.Transform(Test()), "Number");
        var best = model.Report!.Epochs[model.Report.BestEpoch - 1];
        Assert.AreEqual(metrics.RootMeanSquaredError, best.ValidationRootMeanSquaredError!.Value, 1e-5);

        using var binary = _ml.BinaryClassification.Trainers.FineTuneModule(
            SmallModules.Binary with { Validation = ValidationData.Set(Test()), Epochs = 3 }).Fit(Train());
        var judged = _ml.BinaryClassification.Evaluate(binary.Transform(Test()), "Yes");
        var epoch = binary.Report!.Epochs[binary.Report.BestEpoch - 1];
        Assert.AreEqual(judged.Accuracy, epoch.ValidationAccuracy!.Value, 1e-9);
        Assert.AreEqual(judged.LogLoss * Math.Log(2), epoch.ValidationLoss!.Value, 1e-5, "ML.NET's binary log-loss counts in bits");
    }

    [TestMethod]
    public void TheMacroF1OfClassesCanChooseTheEpoch()
    {
        var options = SmallModules.Multiclass with { Validation = ValidationData.Set(Test()), Metric = Metric.MacroF1, Epochs = 6 };
        using var model = _ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(Train());

        var values = model.Report!.Epochs.Select(epoch => epoch.Metrics["MacroF1"]).ToList();
        Assert.AreEqual(values.Max(), values[model.Report.BestEpoch - 1]);
        var metrics = _ml.MulticlassClassification.Evaluate(model.Transform(Test()), "Kind");
        Assert.AreEqual(metrics.F1().Macro, values.Max(), 1e-12);
        Assert.AreEqual(metrics.MicroAccuracy, model.Report.Epochs[model.Report.BestEpoch - 1].Metrics["Accuracy"], 1e-12);
    }

    [TestMethod]
    public void CrossValidationTrainsAFreshModuleInEachFold()
    {
        var results = _ml.BinaryClassification.CrossValidate(
            Train(), _ml.BinaryClassification.Trainers.FineTuneModule(SmallModules.Binary with { Epochs = 8 }), 3, "Yes");
        try
        {
            Assert.HasCount(3, results);
            foreach (var fold in results)
                Assert.IsGreaterThan(0.85, fold.Metrics.Accuracy);
        }
        finally
        {
            foreach (var fold in results)
                ((IDisposable)fold.Model).Dispose();
        }
    }

    [TestMethod]
    public void SequencesAndScalarsComeInTheStatedShapes()
    {
        long[][] shapes = [];
        AnyFactory.Make = context => new Lambda(7, 1, (layer, x) =>
        {
            shapes = [x.shape];
            return layer.call(x);
        });
        using (_ml.Regression.Trainers.FineTuneModule(
            SmallModules.Regression with { Factory = new AnyFactory(), Inputs = [ModuleInput.Column("Joined", 7)], Epochs = 1 })
            .Fit(Joined()))
            CollectionAssert.AreEqual(new long[] { 7 }, shapes[0][1..]);

        AnyFactory.Make = context =>
        {
            CollectionAssert.AreEqual(new long[] { 3, 2 }, context.Inputs[0].Dimensions.ToArray());
            CollectionAssert.AreEqual(new long[] { 1 }, context.Inputs[1].Dimensions.ToArray());
            CollectionAssert.AreEqual(Array.Empty<long>(), context.Inputs[2].Dimensions.ToArray());
            Assert.AreEqual(5, context.Inputs[2].KeyCount, "four colors and the missing one");
            return new ManyInputs(x => shapes = [.. x.Select(tensor => tensor.shape)]);
        };
        var inputs = SmallModules.Regression with
        {
            Factory = new AnyFactory(),
            Inputs = [ModuleInput.Column("Features", 3, 2), "Size", "Color"],
            Epochs = 1,
            Validation = ValidationData.None,
        };
        using var model = _ml.Regression.Trainers.FineTuneModule(inputs).Fit(Train());
        CollectionAssert.AreEqual(new long[] { 3, 2 }, shapes[0][1..]);
        CollectionAssert.AreEqual(new long[] { 1 }, shapes[1][1..]);
        Assert.HasCount(1, shapes[2]);
    }

    [TestMethod]
    public void WorkersThatNobodyNeedsAreWarnedOf()
    {
        var log = new LogLines(_ml);
        var options = SmallModules.Binary with { Epochs = 1 };
        _ml.BinaryClassification.Trainers.FineTuneModule(options).Fit(Train()).Dispose();
        _ml.BinaryClassification.Trainers.FineTuneModule(options with { Workers = 1 }).Fit(Train()).Dispose();
        Assert.IsEmpty(log.Warnings);

        _ml.BinaryClassification.Trainers.FineTuneModule(options with { Workers = 8 }).Fit(Train()).Dispose();

        StringAssert.StartsWith(log.Warnings.Single(), "Workers = 8 is not used: no input is a picture");
    }

    [TestMethod]
    public void PicturesAndNumbersEnterTogether()
    {
        var preprocessing = new ImagePreprocessing { Size = 32, CropFraction = 1, Mean = ColorTriple.Half, Std = ColorTriple.Half };
        AnyFactory.Make = context => new PictureAndKey(context);
        var options = SmallModules.Multiclass with
        {
            Factory = new AnyFactory(),
            LabelColumnName = "Label",
            Inputs = [ModuleInput.Image("ImagePath", preprocessing), "Extra"],
            Epochs = 8,
        };
        var data = _ml.Transforms.Conversion.MapValueToKey("Label").Append(_ml.Transforms.CopyColumns("Extra", "Label"));
        var view = SmallPictures.View(_ml, SmallPictures.Take(12));
        var keys = data.Fit(view);
        using var model = _ml.MulticlassClassification.Trainers.FineTuneModule(options).Fit(keys.Transform(view));

        var test =
            keys.Transform(
                SmallPictures.View(_ml, [.. SmallPictures.Take(6, skip: 20), new Photo { Label = "dots", ImagePath = "missing.jpg" }]));
        var scores = model.Transform(test).GetColumn<float[]>("Score").ToArray();
        Assert.IsTrue(scores[^1].All(float.IsNaN), "a picture that cannot be read");
        Assert.IsGreaterThan(0.9, _ml.MulticlassClassification.Evaluate(model.Transform(test)).MicroAccuracy,
            "the key gives the label away");
    }

    private sealed class PictureAndKey : nn.Module<Tensor, Tensor, Tensor>
    {
        private readonly Dense picture;
        private readonly Dense key;

        public PictureAndKey(ModuleContext context)
            : base(nameof(PictureAndKey))
        {
            CollectionAssert.AreEqual(new long[] { 3, 32, 32 }, context.Inputs[0].Dimensions.ToArray());
            picture = new Dense(3, context.Outputs);
            key = new Dense(4, context.Outputs);
            RegisterComponents();
        }

        public override Tensor forward(Tensor pixels, Tensor extra) =>
            picture.call(pixels.mean([2, 3])) + key.call(nn.functional.one_hot(extra, 4).to_type(ScalarType.Float32));
    }

    private sealed class ManyInputs : nn.Module<Tensor[], Tensor>
    {
        private readonly Dense layer;
        private readonly Action<Tensor[]> _see;

        public ManyInputs(Action<Tensor[]> see)
            : base(nameof(ManyInputs))
        {
            layer = new Dense(6, 1);
            _see = see;
            RegisterComponents();
        }

        public override Tensor forward(Tensor[] inputs)
        {
            _see(inputs);
            Assert.AreEqual(ScalarType.Int64, inputs[2].dtype);
            return layer.call(inputs[0].reshape(-1, 6)).squeeze(1); // [N] is as good as [N, 1]
        }
    }

    private void CheckReloaded(FineTuningTransformer model, IDataView scored, Func<IDataView, IEnumerable<float>> column)
    {
        using var loaded = SmallModules.Reload(_ml, model);
        Assert.IsNull(loaded.Report);
        Assert.AreEqual(scored.Schema.ToString(), loaded.Transform(Test()).Schema.ToString());
        CollectionAssert.AreEqual(
            column(scored).Select(BitConverter.SingleToInt32Bits).ToArray(),
            column(loaded.Transform(Test())).Select(BitConverter.SingleToInt32Bits).ToArray());
    }

    private void CheckOneByOne<TPrediction>(FineTuningTransformer model, IEnumerable<float> expected, Func<TPrediction, float> value)
        where TPrediction : class, new()
    {
        using var engine = _ml.Model.CreatePredictionEngine<TableRow, TPrediction>(
            model, new PredictionEngineOptions { OwnsTransformer = false });
        foreach (var (row, score) in _test.Zip(expected).Take(20))
            Assert.AreEqual(score, value(engine.Predict(row)), 1e-5);
    }

    private IDataView Train() => SmallModules.View(_ml, TableRow.Many(200));

    private IDataView Test() => SmallModules.View(_ml, _test);

    private IDataView Joined() => _ml.Transforms.Concatenate("Joined", "Features", "Size").Fit(Train()).Transform(Train());

    private sealed class MulticlassPrediction
    {
        public float[] Score { get; set; } = [];
    }

    private sealed class BinaryPrediction
    {
        public float Probability { get; set; }
    }
}
