using System.Globalization;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>Models of several heads, one of each task, and of several labels a row: files, and chains of ML.NET's transformers.</summary>
[TestClass]
public sealed class SeveralHeadsExportTests
{
    private const int Size = 48;

    private static readonly Lazy<byte[]> s_zip = new(Train);

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void EachHeadHasTheOutputsOfItsTaskNamedAfterItsLabel()
    {
        using var model = Load();
        var view = View(_ml, SeveralRow.Take(3, skip: 20));
        var expected = model.Transform(view);
        using var file = new ExportedFile(_ml, model);

        CollectionAssert.AreEqual(
            new[]
            {
                "Kind.logits", "Kind.probabilities", "Grade.logits", "Grade.probabilities", "Size.score", "Red.logit", "Red.probability",
                "Tags.logits", "Tags.probabilities", "Tags.predicted",
            },
            file.Outputs);
        foreach (var rows in (int[])[9, 1])
        {
            var actual = file.Run(ExportedFile.Input("pixels", ExportedFile.Pixels(model, view, rows, Size)));
            AssertClose(actual["Kind.probabilities"], Vectors("KindScore", rows), 1e-4);
            AssertClose(actual["Grade.probabilities"], Vectors("GradeScore", rows), 1e-4);
            AssertClose(actual["Tags.probabilities"], Vectors("TagsScore", rows), 1e-4);
            AssertClose(actual["Size.score"], [.. expected.GetColumn<float>("SizeScore").Take(rows)], 1e-4);
            AssertClose(actual["Red.logit"], [.. expected.GetColumn<float>("RedScore").Take(rows)], 1e-3);
            AssertClose(actual["Red.probability"], [.. expected.GetColumn<float>("RedProbability").Take(rows)], 1e-4);
            CollectionAssert.AreEqual(
                expected.GetColumn<bool[]>("TagsPredictedLabel").Take(rows).SelectMany(row => row).ToArray(),
                actual["Tags.predicted"].Select(value => value == 1).ToArray());
        }
        Assert.IsGreaterThan(
            0.02f, expected.GetColumn<float>("RedProbability").Max() - expected.GetColumn<float>("RedProbability").Min(),
            "a network that says nothing proves nothing");

        CollectionAssert.AreEqual(SmallPictures.Classes, JsonSerializer.Deserialize<string[]>(file.Metadata["Kind.classes"]));
        CollectionAssert.AreEqual(new[] { "Red", "Also" }, JsonSerializer.Deserialize<string[]>(file.Metadata["Tags.classes"]));
        Assert.AreEqual(0.3, double.Parse(file.Metadata["Red.threshold"], CultureInfo.InvariantCulture), 1e-5);
        Assert.AreEqual("[0.25,0.25]", file.Metadata["Tags.thresholds"]);
        Assert.IsFalse(file.Metadata.ContainsKey("classes"));

        float[] Vectors(string column, int rows) => [.. expected.GetColumn<float[]>(column).Take(rows).SelectMany(row => row)];
    }

    [TestMethod]
    public void AChainGivesAllColumnsOfAllHeadsAndIsSavedAndJudged()
    {
        using var model = Load();
        var data = View(_ml, SeveralRow.Take(3, skip: 20));
        // A column that ML.NET's scorers would write over.
        data = _ml.Transforms.CopyColumns("PredictedLabel", "ImagePath").Fit(data).Transform(data);
        using var folder = new Folder();
        using (var made = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, data.Schema))
            _ml.Model.Save((ITransformer)made, data.Schema, folder.File("chain.zip"));
        using var chain = (IDisposable)_ml.Model.Load(folder.File("chain.zip"), out _);
        var (expected, scored) = (model.Transform(data), ((ITransformer)chain).Transform(data));

        CollectionAssert.AreEquivalent(Visible(expected), Visible(scored));
        foreach (var column in (string[])["KindScore", "GradeScore", "TagsScore"])
        {
            SmallTraining.AssertClose(SmallTraining.Scores(expected, column), SmallTraining.Scores(scored, column), 1e-4f);
            CollectionAssert.AreEqual(Names(expected, column), Names(scored, column));
        }
        foreach (var column in (string[])["SizeScore", "RedScore", "RedProbability"])
            SmallTraining.AssertClose([[.. expected.GetColumn<float>(column)]], [[.. scored.GetColumn<float>(column)]], 1e-3f);
        CollectionAssert.AreEqual(
            SmallTraining.PredictedKeys(expected, "KindPredictedLabel"), SmallTraining.PredictedKeys(scored, "KindPredictedLabel"));
        CollectionAssert.AreEqual(
            expected.GetColumn<bool>("RedPredictedLabel").ToArray(), scored.GetColumn<bool>("RedPredictedLabel").ToArray());
        AssertSameLabels(expected, scored, "TagsPredictedLabel");
        CollectionAssert.AreEqual(data.GetColumn<string>("ImagePath").ToArray(), scored.GetColumn<string>("PredictedLabel").ToArray());

        Assert.AreEqual(Accuracy(expected), Accuracy(scored));
        Assert.AreEqual(
            _ml.FineTuning.EvaluateMultiLabel(expected, "Tags", "TagsScore", "TagsPredictedLabel").MicroF1,
            _ml.FineTuning.EvaluateMultiLabel(scored, "Tags", "TagsScore", "TagsPredictedLabel").MicroF1);

        double Accuracy(IDataView view) => _ml.MulticlassClassification.Evaluate(
            view, "Kind", scoreColumnName: "KindScore", predictedLabelColumnName: "KindPredictedLabel").MicroAccuracy;
    }

    [TestMethod]
    public void HeadsOverAPictureAndATableAreExported()
    {
        var rows = SeveralRow.Take(5);
        var data = View(_ml, rows);
        var options = Options(LearningTask.Several(
            new("Kind", LearningTask.Multiclass()), new("Tags", LearningTask.MultiLabel()))) with
        { TableColumns = ["Size"] };
        using var model = (FineTuningTransformer)_ml.FineTuning.FineTuneImages(options).Fit(data);
        var expected = model.Transform(data);
        using var file = new ExportedFile(_ml, model);
        var actual = file.Run(
            ExportedFile.Input("pixels", ExportedFile.Pixels(model, data, rows.Length, Size)),
            ExportedFile.Numbers("Size", rows.Select(row => row.Size), rows.Length, 1));
        using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, data.Schema);
        var scored = ((ITransformer)chain).Transform(data);
        foreach (var head in (string[])["Kind", "Tags"])
        {
            var scores = SmallTraining.Scores(expected, head + "Score");
            AssertClose(actual[head + ".probabilities"], [.. scores.SelectMany(row => row)], 1e-4);
            SmallTraining.AssertClose(scores, SmallTraining.Scores(scored, head + "Score"), 1e-4f);
        }
    }

    [TestMethod]
    public void AChainOfSeveralLabelsARowHasTheirNamesAndThresholds()
    {
        var options = Options(LearningTask.MultiLabel(threshold: DecisionThreshold.Fixed(0.4f))) with { LabelColumnName = "Tags" };
        var data = View(_ml, SeveralRow.Take(6));
        using var model = (FineTuningTransformer)_ml.FineTuning.FineTuneImages(options).Fit(data);
        using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, data.Schema);
        var (expected, scored) = (model.Transform(data), ((ITransformer)chain).Transform(data));

        SmallTraining.AssertClose(SmallTraining.Scores(expected), SmallTraining.Scores(scored), 1e-4f);
        AssertSameLabels(expected, scored, "PredictedLabel");
        CollectionAssert.AreEquivalent(Visible(expected), Visible(scored));

        var single = _ml.Transforms.Concatenate("One", "Red").Fit(data).Transform(data);
        using var one = (FineTuningTransformer)_ml.FineTuning
            .FineTuneImages(options with { LabelColumnName = "One", Epochs = 1 }).Fit(single);
        StringAssert.Contains(
            Assert.ThrowsExactly<NotSupportedException>(() => _ml.FineTuning.ToOnnxPipeline(one, single.Schema)).Message,
            "The model has one label ('Red'), and ML.NET's multiclass scorers want two. Export the network alone");
    }

    private static void AssertSameLabels(IDataView expected, IDataView scored, string column)
    {
        foreach (var (one, other) in expected.GetColumn<bool[]>(column).Zip(scored.GetColumn<bool[]>(column)))
            CollectionAssert.AreEqual(one, other);
        CollectionAssert.AreEqual(Names(expected, column), Names(scored, column));
    }

    private static void AssertClose(float[] actual, float[] expected, double tolerance) => Fixture.AreClose(
        [.. expected.Select(value => (double)value)], [.. actual.Select(value => (double)value)], tolerance, "value");

    private static string[] Visible(IDataView view) => [.. view.Schema.Where(column => !column.IsHidden).Select(column => column.Name)];

    private static string[] Names(IDataView view, string column)
    {
        VBuffer<ReadOnlyMemory<char>> names = default;
        view.Schema[column].GetSlotNames(ref names);
        return [.. names.DenseValues().Select(name => name.ToString())];
    }

    private static IDataView View(MLContext ml, SeveralRow[] rows)
    {
        var view = SeveralRow.View(ml, rows);
        return ml.Transforms.CopyColumns("Grade", "Kind").Append(ml.Transforms.CopyColumns("Also", "Red"))
            .Append(ml.Transforms.Concatenate("Tags", "Red", "Also"))
            .Fit(view).Transform(view);
    }

    // At the size of the pictures: there is nothing to resize, and so nothing in which ML.NET's transforms could differ.
    private static ImageFineTuningOptions Options(LearningTask task) => SmallTraining.Options with
    {
        Backbone = SmallTraining.Backbone with { Preprocessing = SmallTraining.Backbone.Preprocessing with { Size = Size } },
        Task = task,
        Epochs = 3,
    };

    private FineTuningTransformer Load() => (FineTuningTransformer)_ml.Model.Load(new MemoryStream(s_zip.Value), out _);

    private static byte[] Train()
    {
        var ml = new MLContext(seed: 1);
        var options = Options(LearningTask.Several(
            new("Kind", LearningTask.Multiclass(calibration: Calibration.Temperature())), new("Grade", LearningTask.Ordinal()),
            new("Size", LearningTask.Regression()), new("Red", LearningTask.Binary(threshold: DecisionThreshold.Fixed(0.3f))),
            new("Tags", LearningTask.MultiLabel(threshold: DecisionThreshold.Fixed(0.25f))))) with
        {
            Validation = ValidationData.Fraction(0.3f),
        };
        using var model = (FineTuningTransformer)ml.FineTuning.FineTuneImages(options).Fit(View(ml, SeveralRow.Take(8)));
        return SmallTraining.Save(ml, model);
    }
}
