using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Onnx;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Serving;
using MlNetFineTune.Tests.Support;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>
/// All engines predict the same class for the same photos, at every batch size and at the published widths: libtorch has been right for one
/// picture and wrong for a batch of sixteen.
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
        using var model = OfFormulas(network);
        ServedPhoto[] photos = [.. SmallPictures.Take(6, skip: 2).Take(16).Select(photo => new ServedPhoto(photo.ImagePath))];

        var sixteen = SmallTraining.Scores(model.Transform(_ml.Data.LoadFromEnumerable(photos)));
        var three = photos.Chunk(3).SelectMany(part => SmallTraining.Scores(model.Transform(_ml.Data.LoadFromEnumerable(part)))).ToArray();
        var engine = _ml.Model.CreatePredictionEngine<ServedPhoto, ServedClass>(model);
        float[][] one = [.. photos.Select(photo => engine.Predict(photo).Score)];
        using var predictor = _ml.Model.CreatePredictor<ServedPhoto, ServedClass>(model);
        var predictions = Task.WhenAll(photos.Select(photo => predictor.PredictAsync(photo))).GetAwaiter().GetResult();
        float[][] served = [.. predictions.Select(prediction => prediction.Score)];
        using var folder = new Folder();
        _ml.FineTuning.ExportOnnx(model, folder.File("model.onnx"), OnnxPrecision.Float32);
        var paths = photos.Select(photo => photo.ImagePath);
        var onnx = OnnxOnPhotosTests.Score(folder.File("model.onnx"), paths, ((ImageInput)model.Inputs).Preprocessing, "probabilities");

        var spread = sixteen.Max(row => row.Zip(sixteen[0]).Max(pair => Math.Abs(pair.First - pair.Second)));
        Assert.IsGreaterThan(10 * Tolerance, spread, "a network that says the same of all proves nothing");
        AssertAgree(sixteen, three, "batches of 3");
        AssertAgree(sixteen, one, "PredictionEngine");
        AssertAgree(sixteen, served, "Predictor");
        AssertAgree(sixteen, onnx, "ONNX Runtime");
    }

    // Weights that need no file and no training, with which every layer affects the output: random ones are drawn so that the residual
    // branches begin at zero.
    private FineTuningTransformer OfFormulas(string network)
    {
        var classifier = ImageNetwork.CreateEmpty(Backbone.FromName(network).FromScratch(), SmallPictures.Classes.Length);
        foreach (var (name, tensor) in classifier.NamedTensors())
            Formula.Fill(name, tensor);
        classifier.PrepareForScoring();
        var size = classifier.Definition.Preprocessing.Size;
        using (var scope = NewDisposeScope())
        using (no_grad())
        using (var collator = classifier.CreateCollator())
        {
            // Logits of about 0.5, where the softmax hides nothing: in networks of formulas sums grow from block to block, and rounding
            // with them.
            var logits = classifier.ForwardRest(collator.Collate(ProbePicture.Draw(size), 1), first: 0);
            var factor = 0.5f / (logits - logits.mean()).abs().max().item<float>();
            ((LinearHead)classifier.Head).weight.mul_(factor);
            ((LinearHead)classifier.Head).bias.mul_(factor);
        }
        using var trained = SmallTraining.Fit(_ml, SmallTraining.Options with { Epochs = 1 }, SmallPictures.Take(1));
        var schema = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(1))).Schema;
        var options = SmallTraining.Options with { Backbone = classifier.Definition };
        return Trained.Model(_ml, classifier, schema, options, trained.Report!);
    }

    private static int Best(float[] scores) => Array.IndexOf(scores, scores.Max());

    private static void AssertAgree(float[][] expected, float[][] actual, string engine)
    {
        Assert.HasCount(expected.Length, actual);
        for (var row = 0; row < expected.Length; row++)
        {
            for (var c = 0; c < expected[row].Length; c++)
                Assert.AreEqual(expected[row][c], actual[row][c], Tolerance, $"{engine}, row {row}, class {c}");
            Assert.AreEqual(Best(expected[row]), Best(actual[row]), $"{engine}, row {row}");
        }
    }
}
