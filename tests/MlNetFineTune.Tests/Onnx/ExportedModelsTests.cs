using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.Transforms.Onnx;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Onnx;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Networks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>Adapters, rounding, calibration and unusual class names are either exported or an error with an alternative.</summary>
[TestClass]
public sealed class ExportedModelsTests
{
    private static readonly Photo[] s_photos = SmallPictures.Take(4, skip: 20);

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void AnAdapterIsMergedAndTheModelStaysAsItWas()
    {
        using var model = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Adapter = Adapter.Lora(rank: 2), LearningRate = 0.02f }, SmallPictures.Take(6));
        var before = SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, s_photos)));

        SmallTraining.AssertClose(before, Exported(model, OnnxPrecision.Float32), 1e-4f);
        SmallTraining.AssertClose(before, Exported(model, OnnxPrecision.Float16), 0.01f);
        SmallTraining.AssertSameBits(before, SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, s_photos))));
    }

    // The rounded weights are halves, so a file of halves loses nothing more.
    [TestMethod]
    public void AModelOfHalfPrecisionWeightsIsTheSameInAFileOfHalves()
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var half = model.WithHalfPrecisionWeights();
        var expected = SmallTraining.Scores(half.Transform(SmallPictures.View(_ml, s_photos)));

        Assert.AreNotEqual(0, expected.Zip(SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, s_photos))))
            .Max(row => Math.Abs(row.First[0] - row.Second[0])));
        SmallTraining.AssertClose(expected, Exported(half, OnnxPrecision.Float32), 1e-4f);
        SmallTraining.AssertClose(expected, Exported(half, OnnxPrecision.Float16), 0.01f);
    }

    [TestMethod]
    [DataRow("Float32", 1e-4f)]
    [DataRow("Float16", 0.01f)]
    [DataRow("Int8", 0.25f)]
    public void TheTemperatureIsInFilesOfEveryPrecisionAndInTheChain(string precision, float tolerance)
    {
        var options = SmallTraining.Options
            with
        {
            Validation = ValidationData.Fraction(0.5f),
            LearningRate = 1e-3f,
            Epochs = 4,
            Task = LearningTask.Multiclass(calibration: Calibration.Temperature())
        };
        using var model = SmallTraining.Fit(
            _ml,
            options
            with
            { Backbone = SmallTraining.Backbone with { Preprocessing = SmallTraining.Backbone.Preprocessing with { Size = 48 } } },
            SmallPictures.Take(10));
        var temperature = model.Calibration!.Temperature;
        Assert.IsGreaterThan(0.05, Math.Abs(temperature - 1), "a temperature that changes nothing proves nothing");
        var expected = SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, s_photos)));
        var numbers = Precision(precision);

        var actual = Exported(model, numbers, "probabilities");
        var logits = Exported(model, numbers, "logits");
        using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, SmallPictures.View(_ml, s_photos).Schema, precision: numbers);

        SmallTraining.AssertClose(expected, actual, tolerance);
        SmallTraining.AssertClose([.. logits.Select(row => Softmax(row, temperature))], actual, 1e-5f);
        SmallTraining.AssertClose(actual, SmallTraining.Scores(((ITransformer)chain).Transform(SmallPictures.View(_ml, s_photos))), 1e-4f);
    }

    [TestMethod]
    public void TheStandardsOwnCheckerAcceptsEveryPrecisionAndWhatTheChainHolds()
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var folder = new Folder();
        foreach (var name in (string[])["Float32", "Float16", "Int8"])
        {
            _ml.FineTuning.ExportOnnx(model, folder.File($"{name}.onnx"), Precision(name));
            OnnxExport.WriteUncropped(
                _ml, model, Precision(name), folder.File($"{name}-picture.onnx"), oversampling: 2, model.Inputs.ToTensors());
        }
        var files = Directory.GetFiles(Path.GetDirectoryName(folder.File("x"))!);

        var report = Python.RunOrSkip("check_onnx.py", files);

        if (report.TryGetProperty("skipped", out var reason))
            Assert.Inconclusive(reason.GetString()!);
        Assert.HasCount(6, files);
        Assert.AreEqual(6, report.GetProperty("checked").GetInt32());
    }

    [TestMethod]
    public void ClassNamesOfAnyScriptComeThrough()
    {
        string[] names = ["ромашка \"белая\"", "薔薇/バラ", "🌻 {0}\n"];
        var photos = SmallPictures.Take(4)
            .Select(photo => new Photo { ImagePath = photo.ImagePath, Label = names[Array.IndexOf(SmallPictures.Classes, photo.Label)] });
        var keyed = _ml.Transforms.Conversion.MapValueToKey("Label").Fit(SmallPictures.View(_ml, photos))
            .Transform(SmallPictures.View(_ml, photos));
        using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(SmallTraining.Options).Fit(keyed);
        using var folder = new Folder();
        _ml.FineTuning.ExportOnnx(model, folder.File("model.onnx"));
        using var session = new InferenceSession(folder.File("model.onnx"));

        using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, keyed.Schema);
        var scored = ((ITransformer)chain).Transform(keyed);
        VBuffer<ReadOnlyMemory<char>> slots = default, keys = default;
        scored.Schema["Score"].GetSlotNames(ref slots);
        scored.Schema["PredictedLabel"].GetKeyValues(ref keys);

        CollectionAssert.AreEqual(names, JsonSerializer.Deserialize<string[]>(session.ModelMetadata.CustomMetadataMap["classes"]));
        CollectionAssert.AreEqual(names, slots.DenseValues().Select(name => name.ToString()).ToArray());
        CollectionAssert.AreEqual(names, keys.DenseValues().Select(name => name.ToString()).ToArray());
    }

    // Training requires two classes; a file may have only one.
    [TestMethod]
    public void AModelOfOneClassIsAlwaysSureOfIt()
    {
        using var model = OneClass();
        var view = SmallPictures.View(_ml, s_photos);

        Assert.IsTrue(Exported(model, OnnxPrecision.Float32).All(row => row is [1f]));
        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => _ml.FineTuning.ToOnnxPipeline(model, view.Schema)).Message,
            "one class ('dots')");
    }

    [TestMethod]
    public void TheContextsSessionOptionsReachALoadedChain()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var view = SmallPictures.View(_ml, s_photos);
        using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, view.Schema);
        var zip = SmallTraining.Save(_ml, (ITransformer)chain, view.Schema);
        var (ml, sessions) = (new MLContext(), 0);
        ml.SetOnnxSessionOption(new OnnxSessionOptions { CreateSessionOptions = Options });

        using var loaded = (IDisposable)ml.Model.Load(new MemoryStream(zip), out _);

        Assert.AreEqual(1, sessions);
        SmallTraining.AssertClose(SmallTraining.Scores(((ITransformer)chain).Transform(view)),
            SmallTraining.Scores(((ITransformer)loaded).Transform(view)));

        SessionOptions Options()
        {
            sessions++;
            return new SessionOptions { IntraOpNumThreads = 1 };
        }
    }

    [TestMethod]
    public void CalibrationPhotosOfWhichNoneCanBeReadAreAnError()
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var folder = new Folder();
        var bad = SmallPictures.View(_ml, BadPictures.All.Select(picture => new Photo { ImagePath = picture.Path }));
        var none = SmallPictures.View(_ml, []);
        var noColumn = _ml.Data.LoadFromEnumerable([new { Other = 1f }]);
        var some = SmallPictures.View(_ml, [new Photo { ImagePath = BadPictures.All[0].Path }, s_photos[0]]);

        StringAssert.Contains(Export<InvalidOperationException>(bad).Message, "none of the calibration photos could be read");
        StringAssert.Contains(Export<InvalidOperationException>(none).Message, "none of the calibration photos could be read");
        StringAssert.Contains(Export<ArgumentOutOfRangeException>(noColumn).Message, "ImagePath");
        Assert.IsEmpty(Directory.GetFiles(Path.GetDirectoryName(folder.File("model.onnx"))!));
        _ml.FineTuning.ExportOnnx(model, folder.File("model.onnx"), OnnxPrecision.Int8(some));
        Assert.IsTrue(File.Exists(folder.File("model.onnx")));

        T Export<T>(IDataView calibration)
            where T : Exception => Assert.ThrowsExactly<T>(
                () => _ml.FineTuning.ExportOnnx(model, folder.File("model.onnx"), OnnxPrecision.Int8(calibration)));
    }

    [TestMethod]
    public void AStageOfYourOwnAndSeveralViewsAreRefusedByBothDoors()
    {
        using var replaced = SmallTraining.Fit(
            _ml, SmallTraining.Options with
            {
                Backbone = SmallTraining.Backbone.ReplaceStage("layer2", new SmallLayersFactory()),
                Epochs = 1
            }, SmallPictures.Take(2));
        using var model = SmallTraining.LoadModel(_ml);
        using var views = model.WithTestTimeAugmentation(TestTimeAugmentation.Flip);
        var schema = SmallPictures.View(_ml, s_photos).Schema;

        foreach (var (refused, word) in new (ITransformer, string)[]
        {
            (replaced, "Stage 'layer2' is a SmallLayers of your own"), (views, "WithTestTimeAugmentation(TestTimeAugmentation.None)")
        })
        {
            StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(
                () => _ml.FineTuning.ExportOnnx(refused, "x.onnx")).Message, word);
            StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(
                () => _ml.FineTuning.ToOnnxPipeline(refused, schema)).Message, word);
        }
        Assert.IsFalse(File.Exists("x.onnx"));
        using var one = views.WithTestTimeAugmentation(TestTimeAugmentation.None); // as the message suggests
        SmallTraining.AssertClose(SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, s_photos))),
            Exported(one, OnnxPrecision.Float32), 1e-4f);
    }

    private OnnxPrecision Precision(string name) => name switch
    {
        "Float32" => OnnxPrecision.Float32,
        "Float16" => OnnxPrecision.Float16,
        _ => OnnxPrecision.Int8(SmallPictures.View(_ml, SmallPictures.Take(6))),
    };

    private float[][] Exported(FineTuningTransformer model, OnnxPrecision precision, string output = "probabilities")
    {
        using var folder = new Folder();
        _ml.FineTuning.ExportOnnx(model, folder.File("model.onnx"), precision);
        return OnnxOnPhotosTests.Score(
            folder.File("model.onnx"), s_photos.Select(photo => photo.ImagePath), ((ImageInput)model.Inputs).Preprocessing, output);
    }

    private FineTuningTransformer OneClass()
    {
        var keyed = _ml.Transforms.Conversion.MapValueToKey("Label").Fit(SmallPictures.View(_ml, s_photos[..1]))
            .Transform(SmallPictures.View(_ml, s_photos[..1]));
        var classifier = ImageNetwork.Create(SmallTraining.Backbone, outputs: 1, seed: 1);
        classifier.PrepareForScoring();
        using var trained = SmallTraining.Fit(_ml, SmallTraining.Options with { Epochs = 1 }, SmallPictures.Take(1));
        return Trained.Model(_ml, classifier, keyed.Schema, SmallTraining.Options, trained.Report!);
    }

    private static float[] Softmax(float[] logits, float temperature)
    {
        var powers = logits.Select(logit => Math.Exp((logit - logits.Max()) / temperature)).ToArray();
        return [.. powers.Select(power => (float)(power / powers.Sum()))];
    }
}
