using Microsoft.ML;
using MlNetFineTune.Onnx;
using MlNetFineTune.Tests.Serving;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>
/// The same photos get the same class from everything that scores, whatever the batch, at the widths that people use: what libtorch computes for one picture has been
/// right where a batch of sixteen was wrong.
/// </summary>
[TestClass]
public sealed class EnginesAgreeTests
{
    private const float Tolerance = 1e-4f;

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    [DataRow("mobilenetv2_100")]
    [DataRow("resnet18")]
    [DataRow("resnet50")]
    [DataRow("densenet121")]
    [DataRow("vit_small_patch16_224")]
    [DataRow("convnext_tiny")]
    public void TransformPredictionEnginePredictorAndOnnxRuntimeAgree(string network)
    {
        using var model = SmallTraining.Fit(_ml, SmallTraining.Options with { Backbone = Backbone.FromName(network).FromScratch(), Strategy = Strategy.HeadOnly, Epochs = 3 }, SmallPictures.Take(2));
        ServedPhoto[] photos = [.. SmallPictures.Take(6, skip: 2).Take(16).Select(photo => new ServedPhoto(photo.ImagePath))];

        var sixteen = SmallTraining.Scores(model.Transform(_ml.Data.LoadFromEnumerable(photos)));
        var three = photos.Chunk(3).SelectMany(part => SmallTraining.Scores(model.Transform(_ml.Data.LoadFromEnumerable(part)))).ToArray();
        var engine = _ml.Model.CreatePredictionEngine<ServedPhoto, ServedClass>(model);
        float[][] one = [.. photos.Select(photo => engine.Predict(photo).Score)];
        using var predictor = _ml.Model.CreatePredictor<ServedPhoto, ServedClass>(model);
        float[][] served = [.. Task.WhenAll(photos.Select(photo => predictor.PredictAsync(photo))).GetAwaiter().GetResult().Select(prediction => prediction.Score)];
        using var folder = new Folder();
        _ml.FineTuning.ExportOnnx(model, folder.File("model.onnx"), OnnxPrecision.Float32);
        var onnx = OnnxOnPhotosTests.Score(folder.File("model.onnx"), photos.Select(photo => photo.ImagePath), model.Manifest.Backbone.Preprocessing, "probabilities");

        Assert.IsTrue(sixteen.Any(row => Math.Abs(row[0] - sixteen[0][0]) > 10 * Tolerance), "a network that says the same of all proves nothing");
        AssertAgree(sixteen, three, "batches of 3");
        AssertAgree(sixteen, one, "PredictionEngine");
        AssertAgree(sixteen, served, "Predictor");
        AssertAgree(sixteen, onnx, "ONNX Runtime");
    }

    private static void AssertAgree(float[][] expected, float[][] actual, string engine)
    {
        Assert.HasCount(expected.Length, actual);
        for (var row = 0; row < expected.Length; row++)
        {
            for (var c = 0; c < expected[row].Length; c++)
                Assert.AreEqual(expected[row][c], actual[row][c], Tolerance, $"{engine}, row {row}, class {c}");
            Assert.AreEqual(Array.IndexOf(expected[row], expected[row].Max()), Array.IndexOf(actual[row], actual[row].Max()), $"{engine}, row {row}");
        }
    }
}
