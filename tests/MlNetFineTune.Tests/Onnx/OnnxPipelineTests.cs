using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>A chain of ML.NET's own transformers replaces the model where neither TorchSharp nor this library is available.</summary>
[TestClass]
public sealed class OnnxPipelineTests
{
    // Its own output folder: that of the tests contains TorchSharp and this library.
    private static readonly string OnnxOnly = Path.Combine(
        Repository.Root, "tests", "MlNetFineTune.OnnxOnly", "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, "net10.0",
        "MlNetFineTune.OnnxOnly.dll");

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void TheChainScoresAsTheModelAndIsEvaluated()
    {
        using var model = Fit();
        var photos = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(8, skip: 20)));

        using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, photos.Schema);
        var scored = ((ITransformer)chain).Transform(photos);

        SmallTraining.AssertClose(SmallTraining.Scores(model.Transform(photos)), SmallTraining.Scores(scored), 1e-4f);
        CollectionAssert.AreEqual(SmallTraining.PredictedKeys(model.Transform(photos)), SmallTraining.PredictedKeys(scored));
        Assert.AreEqual(_ml.MulticlassClassification.Evaluate(model.Transform(photos)).MicroAccuracy,
            _ml.MulticlassClassification.Evaluate(scored).MicroAccuracy);
        CollectionAssert.AreEquivalent(
            new[] { "Label", "ImagePath", "Score", "PredictedLabel" }, scored.Schema.Where(column => !column.IsHidden)
            .Select(column => column.Name).ToArray());
        VBuffer<ReadOnlyMemory<char>> names = default;
        scored.Schema["Score"].GetSlotNames(ref names);
        CollectionAssert.AreEqual(model.Classes.ToArray(), names.DenseValues().Select(name => name.ToString()).ToArray());
        Assert.AreEqual(model.Classes[(int)SmallTraining.PredictedKeys(scored)[0] - 1],
            _ml.Transforms.Conversion.MapKeyToValue("PredictedLabel").Fit(scored).Transform(scored)
            .GetColumn<string>("PredictedLabel").First());
    }

    [TestMethod]
    public void AProgramWithoutTorchAndWithoutThisLibraryScoresTheSame()
    {
        using var model = Fit();
        var photos = SmallPictures.Take(2, skip: 20);
        var view = SmallPictures.View(_ml, photos);
        using var folder = new Folder();
        var chain = _ml.FineTuning.ToOnnxPipeline(model, view.Schema);
        _ml.Model.Save(chain, view.Schema, folder.File("stock.zip"));
        ((IDisposable)chain).Dispose();

        var printed = DotNet.Run([OnnxOnly, folder.File("stock.zip"), .. photos.Select(photo => photo.ImagePath)])
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

        var expected = SmallTraining.Scores(model.Transform(view));
        Assert.HasCount(expected.Length + 1, printed);
        for (var i = 0; i < expected.Length; i++)
        {
            var numbers = printed[i].Split(' ')[1..]
                .Select(text => float.Parse(text, System.Globalization.CultureInfo.InvariantCulture)).ToArray();
            for (var c = 0; c < numbers.Length; c++)
                Assert.AreEqual(expected[i][c], numbers[c], 1e-4, $"picture {i}, class {c}");
            Assert.AreEqual(model.Classes[Array.IndexOf(expected[i], expected[i].Max())], printed[i].Split(' ')[0]);
        }
        Assert.AreEqual("neither TorchSharp nor MlNetFineTune is loaded", printed[^1]);
    }

    // At the size of the pictures: nothing is resized, so that the two do not differ.
    private FineTuningTransformer Fit(ImageFineTuningOptions? options = null)
    {
        var backbone = SmallTraining.Backbone with { Preprocessing = SmallTraining.Backbone.Preprocessing with { Size = 48 } };
        return SmallTraining.Fit(_ml, (options ?? SmallTraining.Options) with { Backbone = backbone, Epochs = 4 }, SmallPictures.Take(10));
    }

    [TestMethod]
    public void AnAdapterIsMerged()
    {
        var photos = SmallPictures.Take(6);
        using var adapted = Fit(SmallTraining.Options with { Adapter = Adapter.Lora(rank: 2) });
        using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(adapted, SmallPictures.View(_ml, photos).Schema);
        SmallTraining.AssertClose(
            SmallTraining.Scores(adapted.Transform(SmallPictures.View(_ml, photos))),
            SmallTraining.Scores(((ITransformer)chain).Transform(SmallPictures.View(_ml, photos))), 1e-4f);
    }

    [TestMethod]
    public void ProbabilitiesStayCalibrated()
    {
        var photos = SmallPictures.View(_ml, SmallPictures.Take(6));
        using var calibrated =
            Fit(
                SmallTraining.Options with
                {
                    Validation = ValidationData.Fraction(0.5f),
                    LearningRate = 1e-3f,
                    Task = LearningTask.Multiclass(calibration: Calibration.Temperature())
                });
        Assert.AreNotEqual(1, calibrated.Calibration!.Temperature, 0.02);
        using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(calibrated, photos.Schema);
        SmallTraining.AssertClose(SmallTraining.Scores(calibrated.Transform(photos)),
            SmallTraining.Scores(((ITransformer)chain).Transform(photos)), 1e-4f);
    }

    [TestMethod]
    public void ColumnsThatMlNetCannotDecodeAreRefused()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var bytes = _ml.Data.LoadFromEnumerable([new { ImagePath = new byte[] { 1 } }]);
        var nothing = _ml.Data.LoadFromEnumerable([new { Other = 1f }]);

        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => _ml.FineTuning.ToOnnxPipeline(model, bytes.Schema)).Message,
            "ExportOnnx");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => _ml.FineTuning.ToOnnxPipeline(model, nothing.Schema)).Message, "ImagePath");
    }
}
