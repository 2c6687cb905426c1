using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Data;
using MlNetFineTune.Tests.Serving;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>Image models of a yes, a number and an order are like all others: judged, saved, loaded, served, cross-validated,
/// reported.</summary>
[TestClass]
public sealed class ScalarModelsTests
{
    private readonly MLContext _ml = new(seed: 1);

    private IDataView Test => MarkedPhoto.View(_ml, MarkedPhoto.Take(8, skip: 20));

    [TestMethod]
    public void ABinaryModelOfPicturesIsJudgedByMlNet()
    {
        using var model = ScalarModels.Load(_ml, "binary");
        var scored = model.Transform(Test);

        var metrics = _ml.BinaryClassification.Evaluate(scored, "Yes");
        Assert.IsGreaterThan(0.9, metrics.AreaUnderRocCurve);
        Assert.IsNotNull(model.Calibration);
        foreach (var row in Rows<YesPrediction>(scored))
        {
            Assert.AreEqual(1 / (1 + MathF.Exp(-row.Score)), row.Probability, 1e-6);
            Assert.AreEqual(row.Probability > model.ProbabilityThreshold, row.PredictedLabel);
        }
    }

    [TestMethod]
    public void CalibratorsOfMlNetTakeTheScore()
    {
        using var model = ScalarModels.Load(_ml, "binary");
        var scored = model.Transform(MarkedPhoto.View(_ml, MarkedPhoto.Take(20)));

        var uncalibrated = _ml.Transforms.DropColumns("Probability").Fit(scored).Transform(scored);
        foreach (var calibrated in (IDataView[])[
            _ml.BinaryClassification.Calibrators.Platt("Yes").Fit(uncalibrated).Transform(uncalibrated),
            _ml.BinaryClassification.Calibrators.Isotonic("Yes").Fit(uncalibrated).Transform(uncalibrated)])
        {
            var rows = Rows<YesPrediction>(calibrated).OrderBy(row => row.Score).ToArray();
            Assert.IsTrue(rows.Zip(rows.Skip(1)).All(pair => pair.First.Probability <= pair.Second.Probability + 1e-6));
            Assert.IsLessThan(0.4, _ml.BinaryClassification.Evaluate(calibrated, "Yes").LogLoss);
        }
    }

    [TestMethod]
    [DataRow("regression")]
    [DataRow("bounded")]
    public void ARegressionOfPicturesScoresInTheUnitOfTheLabel(string name)
    {
        using var model = ScalarModels.Load(_ml, name);
        var scored = model.Transform(Test);

        var metrics = _ml.Regression.Evaluate(scored, "Number");
        Assert.IsGreaterThan(0.6, metrics.RSquared, $"RMSE {metrics.RootMeanSquaredError}");
        if (name == "bounded")
            Assert.IsTrue(Rows<ScalarPrediction>(scored).All(row => row.Score is > 1950 and < 3050));
        Assert.IsNull(model.ProbabilityThreshold);
        Assert.IsEmpty(model.Classes);
    }

    [TestMethod]
    public void AnOrdinalModelOfPicturesKnowsTheOrderOfItsKeys()
    {
        using var model = ScalarModels.Load(_ml, "ordinal");
        var scored = model.Transform(Test);

        CollectionAssert.AreEqual(MarkedPhoto.Grades, model.Classes.ToArray());
        var metrics = _ml.FineTuning.EvaluateOrdinal(scored, "Grade");
        Assert.IsGreaterThan(0.7, metrics.QuadraticWeightedKappa, metrics.ToString());
        Assert.AreEqual(_ml.MulticlassClassification.Evaluate(scored, "Grade").MicroAccuracy, metrics.Accuracy, 1e-12);
        foreach (var row in Rows<GradePrediction>(scored))
        {
            Assert.AreEqual(1, row.Score.Sum(), 1e-5);
            Assert.AreEqual(Array.IndexOf(row.Score, row.Score.Max()) + 1, (int)row.PredictedLabel);
        }
        model.Scorer.Read(
            network => Assert.IsTrue(network.NamedTensors().Any(named => named.Name.EndsWith(".thresholds", StringComparison.Ordinal))));
    }

    [TestMethod]
    [DataRow("binary")]
    [DataRow("bounded")]
    [DataRow("ordinal")]
    [TestCategory(Categories.Slow)]
    public void AFreshProcessGivesTheSameBits(string name)
    {
        using var model = ScalarModels.Load(_ml, name);
        var zip = Path.Combine(SmallPictures.NewFolder(), "model.zip");
        File.WriteAllBytes(zip, ScalarModels.Zip(name));
        var photos = MarkedPhoto.Take(2, skip: 20);

        var printed = LoadOnly.Run([zip, .. photos.Select(photo => photo.ImagePath)]);

        var scored = model.Transform(MarkedPhoto.View(_ml, photos));
        float[][] expected = name switch
        {
            "binary" => [.. Rows<YesPrediction>(scored).Select(row => (float[])[row.Score, row.Probability])],
            "bounded" => [.. Rows<ScalarPrediction>(scored).Select(row => (float[])[row.Score])],
            _ => SmallTraining.Scores(scored),
        };
        CollectionAssert.AreEqual(
            expected.Select(scores => string.Join(' ', SmallTraining.Bits(scores).Select(bits => bits.ToString("X8")))).ToArray(),
            printed.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    [TestMethod]
    public async Task OneRowAtATimeAndServedTheyScoreAsInTransform()
    {
        var photos = MarkedPhoto.Take(2, skip: 20);
        using var binary = ScalarModels.Load(_ml, "binary");
        using var number = ScalarModels.Load(_ml, "regression");
        using var grade = ScalarModels.Load(_ml, "ordinal");

        await Check<YesPrediction>(binary, row => [row.Score, row.Probability, row.PredictedLabel ? 1 : 0]);
        await Check<ScalarPrediction>(number, row => [row.Score]);
        await Check<GradePrediction>(grade, row => [.. row.Score, row.PredictedLabel]);

        async Task Check<T>(ITransformer model, Func<T, float[]> numbers)
            where T : class, new()
        {
            float[][] expected = [.. Rows<T>(model.Transform(MarkedPhoto.View(_ml, photos))).Select(numbers)];
            ServedPhoto[] rows = [.. photos.Select(photo => new ServedPhoto(photo.ImagePath))];
            using var engine = _ml.Model.CreatePredictionEngine<ServedPhoto, T>(model);
            SmallTraining.AssertClose(expected, [.. rows.Select(row => numbers(engine.Predict(row)))], 1e-2f);
            await using var predictor = _ml.Model.CreatePredictor<ServedPhoto, T>(
                model, new PredictorOptions { MaxBatchSize = rows.Length });
            var served = await Task.WhenAll(rows.Select(row => predictor.PredictAsync(row)));
            SmallTraining.AssertClose(expected, [.. served.Select(numbers)], 1e-2f);
        }
    }

    [TestMethod]
    public void EachIsCrossValidatedByItsCatalog()
    {
        var data = MarkedPhoto.View(_ml, MarkedPhoto.Take(6));

        Check(_ml.BinaryClassification.CrossValidate(data, Trainer(LearningTask.Binary(threshold: DecisionThreshold.F1)), 2, "Yes"),
            fold => fold.AreaUnderRocCurve);
        Check(_ml.Regression.CrossValidate(data, Trainer(LearningTask.Regression()), 2, "Number"), fold => fold.RootMeanSquaredError);
        Check(_ml.MulticlassClassification.CrossValidate(data, Trainer(LearningTask.Ordinal()), 2, "Grade"), fold => fold.LogLoss);

        FineTuningTrainer Trainer(LearningTask task) => ScalarModels.Trainer(_ml, ScalarModels.Options(task) with { Epochs = 2 });

        static void Check<T>(IReadOnlyList<TrainCatalogBase.CrossValidationResult<T>> folds, Func<T, double> metric)
            where T : class
        {
            Assert.HasCount(2, folds);
            foreach (var fold in folds)
            {
                Assert.IsTrue(double.IsFinite(metric(fold.Metrics)));
                ((IDisposable)fold.Model).Dispose();
            }
        }
    }

    [TestMethod]
    public void ThePageShowsWhatBelongsToTheTask()
    {
        using var folder = new Folder();

        var yes = Page(LearningTask.Binary(threshold: DecisionThreshold.Fixed(0.75f)), "yes");
        StringAssert.Contains(yes, "<h2>ROC and precision-recall curves</h2>");
        StringAssert.Contains(yes, "threshold 0.75");
        StringAssert.Contains(yes, "Confusion on the validation rows");
        StringAssert.Contains(yes, "validation area under roc curve");
        var number = Page(LearningTask.Regression(), "number");
        StringAssert.Contains(number, "Predicted (up) against actual");
        StringAssert.Contains(number, "validation r squared");
        Assert.IsFalse(number.Contains("ROC", StringComparison.Ordinal));
        var grade = Page(LearningTask.Ordinal(), "grade");
        var headings = MarkedPhoto.Grades.Select(
            name => grade.IndexOf($"<th scope=\"row\"><bdi title=\"{name}\">", StringComparison.Ordinal)).ToArray();
        Assert.IsTrue(headings[0] > 0 && headings[0] < headings[1] && headings[1] < headings[2], "in their order");
        StringAssert.Contains(grade, "validation quadratic weighted kappa");

        string Page(LearningTask task, string name)
        {
            var options = ScalarModels.Options(task) with { Epochs = 1, RunFolder = folder.File(name) };
            using var model = ScalarModels.Trainer(_ml, options).Fit(MarkedPhoto.View(_ml, MarkedPhoto.Take(8)));
            return File.ReadAllText(folder.File($"{name}/report.html"));
        }
    }

    [TestMethod]
    public void APictureThatCannotBeReadSaysWhyInTheStatusColumn()
    {
        var photos = MarkedPhoto.Take(4);
        var broken = new MarkedPhoto { ImagePath = "missing.jpg", Grade = "small" };
        foreach (var task in (LearningTask[])[LearningTask.Binary(), LearningTask.Regression(), LearningTask.Ordinal()])
        {
            var options = ScalarModels.Options(task)
                with
            { Epochs = 1, Validation = ValidationData.None, ImageStatusColumnName = "Status" };
            var data = MarkedPhoto.View(_ml, photos);
            using var model = ScalarModels.Trainer(_ml, options).Fit(data);
            var shape = ScalarModels.Trainer(_ml, options).GetOutputSchema(SchemaTests.ShapeOf(data.Schema));
            Assert.IsTrue(shape.Any(column => column.Name == "Status"), task.Name);
            var status = model.Transform(MarkedPhoto.View(_ml, [photos[0], broken])).GetColumn<string>("Status").ToArray();
            Assert.AreEqual("", status[0]);
            Assert.AreEqual("there is no such file", status[1], task.Name);
        }
    }

    private IEnumerable<T> Rows<T>(IDataView scored)
        where T : class, new() => _ml.Data.CreateEnumerable<T>(scored, reuseRowObject: false, ignoreMissingColumns: true).ToArray();
}
