using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using MlNetFineTune.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>Real photos, real weights: the same pixels give the same class in ONNX Runtime,
/// and ML.NET's own image transforms cost little.</summary>
[TestClass]
public sealed class OnnxOnPhotosTests
{
    [TestMethod]
    [DataRow("ants-bees", "mobilenetv2_100", 1)]
    [DataRow("flowers", "mobilenetv2_100", 1)]
    [DataRow("flowers", "mobilenetv1_025", 2)]
    public void PhotosAreClassifiedAlike(string set, string network, int oversampling)
    {
        var (ml, model, test) = Train(set, network);
        using var owner = model;
        var scored = model.Transform(test);
        var expected = SmallTraining.Scores(scored);

        using var folder = new Folder();
        ml.FineTuning.ExportOnnx(model, folder.File("model.onnx"));
        var actual = Score(folder.File("model.onnx"), test.GetColumn<string>("ImagePath"), ((ImageInput)model.Inputs).Preprocessing);
        SmallTraining.AssertClose(expected, actual, 1e-4f);
        for (var i = 0; i < expected.Length; i++)
            Assert.AreEqual(Array.IndexOf(expected[i], expected[i].Max()), Array.IndexOf(actual[i], actual[i].Max()), $"photo {i}");

        using var chain = (IDisposable)ml.FineTuning.ToOnnxPipeline(model, test.Schema, oversampling);
        var ours = ml.MulticlassClassification.Evaluate(scored).MicroAccuracy;
        var stock = ml.MulticlassClassification.Evaluate(((ITransformer)chain).Transform(test)).MicroAccuracy;
        Console.WriteLine($"{set}, {network}: accuracy {ours:0.000}, through ML.NET's own image transforms {stock:0.000}");
        Assert.IsGreaterThan(ours - 0.02, stock, $"accuracy {ours:0.000} became {stock:0.000}");
    }

    [TestMethod]
    [DataRow("ants-bees", "mobilenetv2_100")]
    [DataRow("flowers", "mobilenetv2_100")]
    public void SmallerFilesKeepTheAccuracy(string set, string network)
    {
        var (ml, model, test) = Train(set, network);
        using var owner = model;
        using var folder = new Folder();
        var paths = test.GetColumn<string>("ImagePath").ToList();
        var expected = SmallTraining.Scores(model.Transform(test));
        var calibration = ml.Data.LoadImageFolder(Path.Combine(SharedData.RequireOrSkip($"data/{set}"), "train"));

        ml.FineTuning.ExportOnnx(model, folder.File("single.onnx"));
        ml.FineTuning.ExportOnnx(model, folder.File("half.onnx"), OnnxPrecision.Float16);
        ml.FineTuning.ExportOnnx(model, folder.File("integers.onnx"), OnnxPrecision.Int8(ml.Data.ShuffleRows(calibration, seed: 1)));
        var half = Score(folder.File("half.onnx"), paths, ((ImageInput)model.Inputs).Preprocessing);
        var integers = Score(folder.File("integers.onnx"), paths, ((ImageInput)model.Inputs).Preprocessing);

        double Size(string file) => new FileInfo(folder.File(file)).Length;
        var labels = test.GetColumn<uint>("Label").ToArray();
        double Accuracy(float[][] scores) =>
            scores.Zip(labels).Average(row => Array.IndexOf(row.First, row.First.Max()) + 1 == row.Second ? 1.0 : 0);
        Console.WriteLine($"{set}, {network}: accuracy {Accuracy(expected):0.000}, half {Accuracy(half):0.000}, "
            + $"integers {Accuracy(integers):0.000}; MB {Size("single.onnx") / 1e6:0.0}, {Size("half.onnx") / 1e6:0.0}, "
            + $"{Size("integers.onnx") / 1e6:0.0}; largest change {Largest(half):0.0000}, {Largest(integers):0.000}");
        Assert.IsLessThan(0.01, Largest(half));
        Assert.IsLessThan(0.52, Size("half.onnx") / Size("single.onnx"));
        Assert.IsGreaterThan(Accuracy(expected) - 0.03, Accuracy(integers));
        Assert.IsLessThan(0.3, Size("integers.onnx") / Size("single.onnx"));

        double Largest(float[][] scores) =>
            scores.Zip(expected).Max(row => row.First.Zip(row.Second).Max(pair => Math.Abs(pair.First - pair.Second)));
    }

    private static (MLContext Ml, FineTuningTransformer Model, IDataView Test) Train(string set, string network)
    {
        var photos = SharedData.RequireOrSkip($"data/{set}");
        var ml = new MLContext(seed: 1);
        var keys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(ml.Data.LoadImageFolder(Path.Combine(photos, "train")));
        var model = ml.MulticlassClassification.Trainers.FineTuneImages(new ImageFineTuningOptions
        {
            Backbone = Backbone.FromName(network).WithWeights(SharedData.RequireOrSkip($"weights/{network}.safetensors")),
            Strategy = Strategy.HeadOnly,
            Augmentation = Augmentation.None,
            Validation = ValidationData.None,
            Epochs = 5,
            BadRows = BadRows.Skip(),
        }).Fit(keys.Transform(ml.Data.LoadImageFolder(Path.Combine(photos, "train"))));
        return (ml, model, keys.Transform(ml.Data.LoadImageFolder(Path.Combine(photos, "val"))));
    }

    internal static float[][] Score(
        string onnx, IEnumerable<string> paths, ImagePreprocessing preprocessing, string output = "probabilities")
    {
        using var session = new InferenceSession(onnx);
        var encoder = new ImageEncoder(preprocessing);
        var bytes = new byte[encoder.Length];
        var input = new DenseTensor<float>([1, 3, preprocessing.Size, preprocessing.Size]);
        return
        [
            .. paths.Select(path =>
            {
                Assert.IsNull(encoder.EncodeFile(path, Augmentation.None, default, bytes));
                for (var i = 0; i < bytes.Length; i++)
                    input[0, i % 3, i / 3 / preprocessing.Size, i / 3 % preprocessing.Size] = bytes[i];
                using var results = session.Run([NamedOnnxValue.CreateFromTensor("pixels", input)]);
                return results.Single(result => result.Name == output).AsEnumerable<float>().ToArray();
            }),
        ];
    }
}
