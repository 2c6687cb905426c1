using System.Text.RegularExpressions;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Modules;

/// <summary>Modules of every task: loaded in a fresh process, one row at a time, served, cross-validated, reported.</summary>
[TestClass]
public sealed class ModuleTasksTests
{
    private readonly MLContext _ml = new(seed: 1);

    public static IEnumerable<object[]> Tasks => TaskRow.Tasks.Select(task => new object[] { task });

    private IDataView Train => TaskRow.View(_ml, TaskRow.Many(90));

    [TestMethod]
    [DynamicData(nameof(Tasks))]
    [TestCategory(Categories.Slow)]
    public void AFreshProcessThatRegistersTheFactoryGivesTheSameBits(string task)
    {
        using var folder = new Folder();
        using var model = Fit(task, epochs: 1);
        _ml.Model.Save(model, null, folder.File("model.zip"));
        var rows = TaskRow.Many(3, seed: 4);

        var printed = LoadOnly.Run(
        [
            "--register", typeof(TwoLayersFactory).Assembly.Location, folder.File("model.zip"),
            .. rows.Select(row => FormattableString.Invariant($"none;{row.Weight:R};none")),
        ]);

        var scored = model.Transform(TaskRow.View(_ml, rows));
        float[][] expected = task switch
        {
            "Binary" => [.. scored.GetColumn<float>("Score").Zip(scored.GetColumn<float>("Probability"), (s, p) => (float[])[s, p])],
            "Regression" => [.. scored.GetColumn<float>("Score").Select(score => (float[])[score])],
            "Several" => SmallTraining.Scores(scored, "GradeScore"),
            _ => SmallTraining.Scores(scored),
        };
        CollectionAssert.AreEqual(
            expected.Select(scores => string.Join(' ', SmallTraining.Bits(scores).Select(bits => bits.ToString("X8")))).ToArray(),
            printed.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    [TestMethod]
    public async Task OneRowAtATimeAndServedTheyScoreAsInTransform()
    {
        await Check<ClassPrediction>("Multiclass", row => [.. row.Score, row.PredictedLabel]);
        await Check<ClassPrediction>("Ordinal", row => [.. row.Score, row.PredictedLabel]);
        await Check<YesPrediction>("Binary", row => [row.Score, row.Probability, row.PredictedLabel ? 1 : 0]);
        await Check<ScalarPrediction>("Regression", row => [row.Score]);
        await Check<TagsPrediction>("MultiLabel", row => [.. row.Score, .. row.PredictedLabel.Select(isThere => isThere ? 1f : 0)]);
        await Check<SeveralPrediction>(
            "Several", row => [.. row.GradeScore, row.NumberScore, row.YesProbability, .. row.TagsScore, row.GradePredictedLabel]);

        async Task Check<T>(string task, Func<T, float[]> numbers)
            where T : class, new()
        {
            using var model = Fit(task, epochs: 2);
            var rows = TaskRow.Many(5, seed: 4);
            float[][] expected =
            [
                .. _ml.Data.CreateEnumerable<T>(
                    model.Transform(TaskRow.View(_ml, rows)), reuseRowObject: false, ignoreMissingColumns: true).Select(numbers),
            ];
            Number[] inputs = [.. rows.Select(row => new Number { Weight = row.Weight })];
            using var engine = _ml.Model.CreatePredictionEngine<Number, T>(
                model, new PredictionEngineOptions { OwnsTransformer = false });
            SmallTraining.AssertClose(expected, [.. inputs.Select(row => numbers(engine.Predict(row)))], 1e-4f);
            await using var predictor = _ml.Model.CreatePredictor<Number, T>(model);
            var served = await Task.WhenAll(inputs.Select(row => predictor.PredictAsync(row)));
            SmallTraining.AssertClose(expected, [.. served.Select(numbers)], 1e-4f);
        }
    }

    [TestMethod]
    public void EachIsCrossValidatedByItsCatalog()
    {
        Check(_ml.MulticlassClassification.CrossValidate(Train, Trainer("Multiclass"), 2, "Grade"), fold => fold.LogLoss);
        Check(_ml.MulticlassClassification.CrossValidate(Train, Trainer("Ordinal"), 2, "Grade"), fold => fold.LogLoss);
        Check(_ml.BinaryClassification.CrossValidate(Train, Trainer("Binary"), 2, "Yes"), fold => fold.AreaUnderRocCurve);
        Check(_ml.Regression.CrossValidate(Train, Trainer("Regression"), 2, "Number"), fold => fold.RootMeanSquaredError);
        // ML.NET has no such catalog: its splits, with metrics of ours.
        foreach (var split in _ml.Data.CrossValidationSplit(Train, numberOfFolds: 2))
        {
            using var tags = Trainer("MultiLabel").Fit(split.TrainSet);
            Assert.IsTrue(double.IsFinite(_ml.FineTuning.EvaluateMultiLabel(tags.Transform(split.TestSet), "Tags").MicroF1));
            using var several = Trainer("Several").Fit(split.TrainSet);
            Assert.IsTrue(double.IsFinite(_ml.Regression.Evaluate(
                several.Transform(split.TestSet), "Number", "NumberScore").RootMeanSquaredError));
        }

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

    /// <summary>A module's rows have no pictures: what a task shows of single rows stands in tables, by their place in the data.</summary>
    [TestMethod]
    [DataRow("Multiclass", "Confusion on the validation rows|Each class|ROC and precision-recall curves|Reliability|Worst mistakes",
        "row,true,its probability,predicted,its probability")]
    [DataRow("Ordinal", "Confusion on the validation rows|Each class|ROC and precision-recall curves|Reliability|Worst mistakes",
        "row,true,its probability,predicted,its probability")]
    [DataRow("Binary", "ROC and precision-recall curves|Confusion on the validation rows|Each class|Reliability|Worst mistakes",
        "row,true,its probability,predicted,its probability")]
    [DataRow("Regression", "Validation rows|Worst mistakes", "row,actual,predicted,error")]
    [DataRow("MultiLabel", "Labels on the validation rows|Precision (up) against recall|Worst mistakes", "row,missed,invented")]
    [DataRow("Several",
        "<bdi>Grade</bdi>: Confusion on the validation rows|<bdi>Grade</bdi>: Each class|"
        + "<bdi>Grade</bdi>: ROC and precision-recall curves|<bdi>Grade</bdi>: Reliability|"
        + "<bdi>Grade</bdi>: Worst mistakes|<bdi>Number</bdi>: Validation rows|<bdi>Number</bdi>: Worst mistakes|"
        + "<bdi>Yes</bdi>: ROC and precision-recall curves|<bdi>Yes</bdi>: Confusion on the validation rows|<bdi>Yes</bdi>: Each class|"
        + "<bdi>Yes</bdi>: Reliability|<bdi>Yes</bdi>: Worst mistakes|<bdi>Tags</bdi>: Labels on the validation rows|"
        + "<bdi>Tags</bdi>: Precision (up) against recall|"
        + "<bdi>Tags</bdi>: Worst mistakes",
        "row,missed,invented")]
    public void ThePageShowsTheRowsOfItsTask(string task, string sections, string lastTable)
    {
        using var folder = new Folder();
        var held = TaskRow.Many(40, seed: 4);
        foreach (var (place, row) in held.Index())
        {
            // Mistakes, whatever is learnt.
            row.Grade = place % 8 == 0 ? TaskRow.Grades[2 - Array.IndexOf(TaskRow.Grades, row.Grade)] : row.Grade;
            (row.Yes, row.Rare) = (row.Yes ^ place % 8 == 1, row.Rare ^ place % 8 == 2);
        }
        var validation = TaskRow.View(_ml, held);
        var options = TaskRow.Module(task) with { RunFolder = folder.File("run"), Validation = ValidationData.Set(validation) };
        using var model = (FineTuningTransformer)options.CreateTrainer(_ml).Fit(Train);

        var page = File.ReadAllText(folder.File("run/report.html"));
        CollectionAssert.AreEqual(
            (string[])["Curves", .. sections.Split('|'), "Layers", "To do the same again"],
            Regex.Matches(page, "<h2>(.*?)</h2>").Select(match => match.Groups[1].Value).ToArray());
        Assert.IsFalse(page.Contains("<img", StringComparison.Ordinal));
        var last = Regex.Matches(page, "<thead><tr>(.*?)</tr></thead>")
            .Last(match => match.Value.Contains(">row<", StringComparison.Ordinal));
        Assert.AreEqual(lastTable, string.Join(',', Regex.Matches(last.Value, "col\">(.*?)</th>").Select(match => match.Groups[1].Value)));
        Assert.IsGreaterThan(0, Regex.Count(page, "<td><bdi>row [0-9]+</bdi></td>"));
        if (task is "Multiclass" or "Ordinal")
        {
            var counts = _ml.MulticlassClassification.Evaluate(model.Transform(validation), "Grade").ConfusionMatrix.Counts;
            for (var label = 0; label < 3; label++)
            {
                for (var predicted = 0; predicted < 3; predicted++)
                {
                    StringAssert.Contains(page,
                        $"title=\"{TaskRow.Grades[label]} taken for {TaskRow.Grades[predicted]}: {counts[label][predicted]}\"");
                }
            }
        }
    }

    private FineTuningTransformer Fit(string task, int epochs) =>
        (FineTuningTransformer)(TaskRow.Module(task) with { Epochs = epochs }).CreateTrainer(_ml).Fit(Train);

    private FineTuningTrainer Trainer(string task) => (FineTuningTrainer)(TaskRow.Module(task) with { Epochs = 2 }).CreateTrainer(_ml);

    private sealed class Number
    {
        public float Weight { get; set; }
    }

    private sealed class ClassPrediction
    {
        public float[] Score { get; set; } = [];

        public uint PredictedLabel { get; set; }
    }

    private sealed class TagsPrediction
    {
        public float[] Score { get; set; } = [];

        public bool[] PredictedLabel { get; set; } = [];
    }

    private sealed class SeveralPrediction
    {
        public float[] GradeScore { get; set; } = [];

        public float NumberScore { get; set; }

        public float YesProbability { get; set; }

        public float[] TagsScore { get; set; } = [];

        public uint GradePredictedLabel { get; set; }
    }
}
