using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>Models of a table beside the picture: the columns are inputs of the file, and what is missing is handled inside.</summary>
[TestClass]
public sealed class TableAndPhotoExportTests
{
    private const int Size = 48;

    private readonly MLContext _ml = new(seed: 1);
    private readonly FusedRow[] _rows = FusedRow.Many(24);

    [TestMethod]
    [DataRow(MissingPictures.Refuse)]
    [DataRow(MissingPictures.Allow)]
    public void TheFileScoresPictureAndTableWithWhatIsMissing(MissingPictures missing)
    {
        int[] without = missing == MissingPictures.Allow ? [0, 5, 6] : [];
        foreach (var row in without)
            _rows[row].ImagePath = "";
        Assert.IsTrue(_rows.Any(row => float.IsNaN(row.Weight)) && _rows.Any(row => row.Color.Length == 0), "nothing is missing");
        using var model = Fit(Options with { MissingPictures = missing });
        var view = View(_rows);
        var expected = SmallTraining.Scores(model.Transform(view));
        Assert.IsGreaterThan(0.02, expected.Max(row => row[0]) - expected.Min(row => row[0]), "a network that says nothing proves nothing");

        foreach (var (precision, tolerance) in ((OnnxPrecision, float)[])[(OnnxPrecision.Float32, 1e-4f), (OnnxPrecision.Float16, 0.01f)])
        {
            using var file = new ExportedFile(_ml, model, precision);
            string[] flag = without.Length > 0 ? ["missing_picture"] : [];
            CollectionAssert.AreEqual((string[])["pixels", "Weight", "ColorKey", "Pair", .. flag], file.Inputs);
            var described = JsonSerializer.Deserialize<Dictionary<string, string>>(file.Metadata["inputs"])!;
            StringAssert.Contains(described["ColorKey"], "1 to 4");
            foreach (var count in (int[])[_rows.Length, 1])
            {
                var pixels = ExportedFile.Pixels(model, view, count, Size);
                foreach (var row in without.Where(row => row < count))
                    pixels.Buffer.Span.Slice(row * 3 * Size * Size, 3 * Size * Size).Fill(float.NaN); // what stands there does not matter
                var weights = _rows.Take(count).Select(row => row.Weight).ToArray();
                var actual = file.Run(
                    [
                        ExportedFile.Input("pixels", pixels), ExportedFile.Numbers("Weight", weights, count, 1),
                        ExportedFile.Keys("ColorKey", view.GetColumn<uint>("ColorKey").Take(count), count, 1),
                        ExportedFile.Numbers("Pair", weights.SelectMany(weight => (float[])[weight, weight]), count, 2),
                        .. flag.Select(name => ExportedFile.Numbers(
                            name, Enumerable.Range(0, count).Select(row => without.Contains(row) ? 1f : 0), count, 1)),
                    ])["probabilities"];
                SmallTraining.AssertClose([[.. expected.Take(count).SelectMany(row => row)]], [actual], tolerance);
            }
        }
    }

    [TestMethod]
    public void AChainMakesTheTensorsOfTheDatasColumns()
    {
        using var model = Fit(Options);
        var data = View(_rows);
        using var folder = new Folder();
        using (var made = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, data.Schema))
            _ml.Model.Save((ITransformer)made, data.Schema, folder.File("chain.zip"));
        using var chain = (IDisposable)_ml.Model.Load(folder.File("chain.zip"), out _);
        var (expected, scored) = (model.Transform(data), ((ITransformer)chain).Transform(data));

        SmallTraining.AssertClose(SmallTraining.Scores(expected), SmallTraining.Scores(scored), 1e-4f);
        CollectionAssert.AreEqual(SmallTraining.PredictedKeys(expected), SmallTraining.PredictedKeys(scored));
        CollectionAssert.AreEquivalent(
            expected.Schema.Where(column => !column.IsHidden).Select(column => column.Name).ToArray(),
            scored.Schema.Where(column => !column.IsHidden).Select(column => column.Name).ToArray());

        var bytes = _ml.Transforms.Conversion.ConvertType("ColorKey", outputKind: DataKind.Byte).Fit(data).Transform(data);
        StringAssert.Contains(
            Assert.ThrowsExactly<NotSupportedException>(() => _ml.FineTuning.ToOnnxPipeline(model, bytes.Schema)).Message,
            "convert the column (Conversion.ConvertType, DataKind.UInt32)");
    }

    [TestMethod]
    public void IntegersLeaveTheTableAsItIs()
    {
        using var model = Fit(Options);
        var view = View(_rows);
        using var file = new ExportedFile(_ml, model, OnnxPrecision.Int8(view));
        var weights = _rows.Select(row => row.Weight).ToArray();
        var actual = file.Run(
            ExportedFile.Input("pixels", ExportedFile.Pixels(model, view, _rows.Length, Size)),
            ExportedFile.Numbers("Weight", weights, _rows.Length, 1),
            ExportedFile.Keys("ColorKey", view.GetColumn<uint>("ColorKey"), _rows.Length, 1),
            ExportedFile.Numbers("Pair", weights.SelectMany(weight => (float[])[weight, weight]), _rows.Length, 2))["probabilities"];
        SmallTraining.AssertClose([[.. SmallTraining.Scores(model.Transform(view)).SelectMany(row => row)]], [actual], 0.1f);

        using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, view.Schema, precision: OnnxPrecision.Int8(view));
        SmallTraining.AssertClose(
            [actual], [[.. SmallTraining.Scores(((ITransformer)chain).Transform(view)).SelectMany(row => row)]], 1e-3f);
    }

    [TestMethod]
    public void WhatCannotBeSaidInAFileOrAChainIsRefusedWithAWayOut()
    {
        using var missing = Fit(Options with { MissingPictures = MissingPictures.Allow, Epochs = 1 });
        StringAssert.Contains(
            Assert.ThrowsExactly<NotSupportedException>(() => _ml.FineTuning.ToOnnxPipeline(missing, View(_rows).Schema)).Message,
            "Export the network alone, with ExportOnnx: its input 'missing_picture' is 1 for such a row");

        var data = View(_rows);
        data = _ml.Transforms.CopyColumns("logits", "Weight").Fit(data).Transform(data);
        using var named = (FineTuningTransformer)_ml.MulticlassClassification.Trainers
            .FineTuneImages(Options with { TableColumns = ["logits"], Epochs = 1 }).Fit(data);
        StringAssert.Contains(
            Assert.ThrowsExactly<NotSupportedException>(() => _ml.FineTuning.ExportOnnx(named, "never.onnx")).Message,
            "two are called 'logits'");
        Assert.IsFalse(File.Exists("never.onnx"));
        using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(named, data.Schema); // whose names are its own
        SmallTraining.AssertClose(
            SmallTraining.Scores(named.Transform(data)), SmallTraining.Scores(((ITransformer)chain).Transform(data)), 1e-4f);
    }

    // At the size of the pictures: there is nothing to resize, and so nothing in which ML.NET's transforms could differ.
    private static ImageFineTuningOptions Options => FusedRow.Options with
    {
        Backbone = SmallTraining.Backbone with { Preprocessing = SmallTraining.Backbone.Preprocessing with { Size = Size } },
        TableColumns = ["Weight", "ColorKey", "Pair"],
        Epochs = 3,
    };

    private FineTuningTransformer Fit(ImageFineTuningOptions options) =>
        (FineTuningTransformer)_ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(View(_rows));

    private IDataView View(FusedRow[] rows)
    {
        var view = FusedRow.View(_ml, rows);
        return _ml.Transforms.Concatenate("Pair", "Weight", "Weight").Fit(view).Transform(view);
    }
}
