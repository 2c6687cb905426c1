using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Modules;

/// <summary>Modules of every task are served, cross-validated and loaded elsewhere like image networks.</summary>
[TestClass]
public sealed class ModuleServingTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TableRow[] _test = TableRow.Many(12, seed: 2);

    private static ModuleFineTuningOptions Ordinal => SmallModules.Multiclass with { Task = LearningTask.Ordinal() };

    private static ModuleFineTuningOptions Several => SmallModules.Multiclass with
    {
        Task = LearningTask.Several(
            new TaskHead("Kind", LearningTask.Multiclass()), new TaskHead("Number", LearningTask.Regression()),
            new TaskHead("Yes", LearningTask.Binary())),
        LabelColumnName = "Label",
    };

    [TestMethod]
    public async Task APredictorGivesWhatTransformGivesForEveryTask()
    {
        await Check<ClassScores>(SmallModules.Multiclass, row => [.. row.Score, row.PredictedLabel]);
        await Check<ClassScores>(Ordinal, row => [.. row.Score, row.PredictedLabel]);
        await Check<YesPrediction>(SmallModules.Binary, row => [row.Score, row.Probability, row.PredictedLabel ? 1 : 0]);
        await Check<ScalarPrediction>(SmallModules.Regression, row => [row.Score]);
        await Check<SeveralScores>(Several, row => [.. row.KindScore, row.KindPredictedLabel, row.NumberScore, row.YesProbability]);

        async Task Check<T>(ModuleFineTuningOptions options, Func<T, float[]> numbers)
            where T : class, new()
        {
            using var model = _ml.FineTuning.FineTuneModule(options with { Epochs = 3 }).Fit(Train());
            await CheckServed(model, _test, SmallModules.View(_ml, _test), numbers);
        }
    }

    [TestMethod]
    public async Task APredictorOfSeveralLabelsGivesWhatTransformGives()
    {
        var rows = TagRow.Many(12, seed: 2);
        var options = SmallModules.Multiclass with { Task = LearningTask.MultiLabel(), LabelColumnName = "Labels", Epochs = 3 };
        using var model = _ml.FineTuning.FineTuneModule(options).Fit(TagRow.View(_ml, TagRow.Many(60)));

        await CheckServed(model, rows, TagRow.View(_ml, rows),
            (SetScores row) => [.. row.Score, .. row.PredictedLabel.Select(label => label ? 1f : 0)]);
    }

    [TestMethod]
    public async Task ARowOfAnyThreadGoesThroughTheTransformsBeforeAModuleOfSeveralInputs()
    {
        var pipeline = _ml.Transforms.Conversion.MapValueToKey("Key", "Color").Append(_ml.Regression.Trainers.FineTuneModule(
            SmallModules.Regression with { Factory = new EmbeddedFactory(), Inputs = ["Features", "Key"], Epochs = 3 }));
        using var chain = pipeline.Fit(_ml.Data.LoadFromEnumerable(TableRow.Many(60)));

        await CheckServed(chain, _test, _ml.Data.LoadFromEnumerable(_test), (ScalarPrediction row) => [row.Score]);
    }

    [TestMethod]
    public void EveryTaskIsCrossValidated()
    {
        Check(_ml.MulticlassClassification.CrossValidate(Train(), Trainer(SmallModules.Multiclass), 2, "Kind"),
            fold => fold.MicroAccuracy, least: 0.8);
        Check(_ml.MulticlassClassification.CrossValidate(Train(), Trainer(Ordinal), 2, "Kind"), fold => fold.MicroAccuracy, least: 0.5);
        Check(_ml.BinaryClassification.CrossValidate(Train(), Trainer(SmallModules.Binary), 2, "Yes"),
            fold => fold.AreaUnderRocCurve, least: 0.9);
        Check(_ml.Regression.CrossValidate(Train(), Trainer(SmallModules.Regression), 2, "Number"), fold => fold.RSquared, least: 0.3);
        foreach (var fold in _ml.Data.CrossValidationSplit(Train(), numberOfFolds: 2)) // ML.NET has no catalog of several heads
        {
            using var model = Trainer(Several).Fit(fold.TrainSet);
            var metrics = _ml.MulticlassClassification.Evaluate(
                model.Transform(fold.TestSet), "Kind", "KindScore", predictedLabelColumnName: "KindPredictedLabel");
            Assert.IsGreaterThan(0.8, metrics.MicroAccuracy);
        }

        FineTuningTrainer Trainer(ModuleFineTuningOptions options) => _ml.FineTuning.FineTuneModule(options with { Epochs = 10 });

        static void Check<T>(IReadOnlyList<TrainCatalogBase.CrossValidationResult<T>> folds, Func<T, double> metric, double least)
            where T : class
        {
            Assert.HasCount(2, folds);
            foreach (var fold in folds)
            {
                ((IDisposable)fold.Model).Dispose();
                Assert.IsGreaterThan(least, metric(fold.Metrics));
            }
        }
    }

    [TestMethod]
    [TestCategory(Categories.Slow)]
    public void AFreshProcessLoadsAnOrdinalModuleAndGivesTheSameBits()
    {
        var options = Ordinal with
        {
            Factory = new ColorsFactory(),
            LabelColumnName = "Label",
            Inputs = [ModuleInput.Image("ImagePath", new ImagePreprocessing { Size = 32, CropFraction = 1 })],
            Epochs = 2,
        };
        using var model = _ml.FineTuning.FineTuneModule(options)
            .Fit(SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(6))));
        using var folder = new Folder();
        File.WriteAllBytes(folder.File("model.zip"), SmallTraining.Save(_ml, model));
        var test = SmallPictures.Take(2, skip: 10);

        var printed = LoadOnly.Run(
            ["--register", typeof(ColorsFactory).Assembly.Location, folder.File("model.zip"), .. test.Select(photo => photo.ImagePath)]);

        CollectionAssert.AreEqual(
            SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, test)))
                .Select(scores => string.Join(' ', SmallTraining.Bits(scores).Select(bits => bits.ToString("X8")))).ToArray(),
            printed.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    private async Task CheckServed<TRow, T>(ITransformer model, TRow[] rows, IDataView data, Func<T, float[]> numbers)
        where TRow : class
        where T : class, new()
    {
        float[][] expected =
            [.. _ml.Data.CreateEnumerable<T>(model.Transform(data), reuseRowObject: false, ignoreMissingColumns: true).Select(numbers)];
        await using var predictor = _ml.Model.CreatePredictor<TRow, T>(model, new PredictorOptions { MaxBatchSize = 5, Workers = 2 });
        var served = await Task.WhenAll(rows.Select(row => Task.Run(() => predictor.PredictAsync(row))));
        SmallTraining.AssertClose(expected, [.. served.Select(numbers)]);
    }

    private IDataView Train() => SmallModules.View(_ml, TableRow.Many(120));

    private sealed class ClassScores
    {
        public float[] Score { get; set; } = [];

        public uint PredictedLabel { get; set; }
    }

    private sealed class SetScores
    {
        public float[] Score { get; set; } = [];

        public bool[] PredictedLabel { get; set; } = [];
    }

    private sealed class SeveralScores
    {
        public float[] KindScore { get; set; } = [];

        public uint KindPredictedLabel { get; set; }

        public float NumberScore { get; set; }

        public float YesProbability { get; set; }
    }
}
