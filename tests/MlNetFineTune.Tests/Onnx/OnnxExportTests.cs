using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Onnx;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>ONNX Runtime computes the same outputs from the same pixels, in batches of any size.</summary>
[TestClass]
public sealed class OnnxExportTests
{
    private readonly MLContext _ml = new(seed: 1);

    public static IEnumerable<object[]> Networks =>
        [.. FixtureNetworks.Names.Select(name => (object[])[name, "symmetric"]), ["mobilenetv1", "same"], ["mobilenetv2", "same"],
            ["mobilenetv3_large", "same"], ["efficientnet", "same"]];

    [TestMethod]
    [DynamicData(nameof(Networks))]
    public void EveryFamilyComputesTheSameInOnnxRuntime(string network, string padding)
    {
        using var classifier = Formula.Classifier(network, width: 0.5f, padding, epsilon: 1e-3);
        Verify(classifier, 1e-4);
    }

    [TestMethod]
    public void CalibratedProbabilitiesAreInTheFileAndLogitsStay()
    {
        using var classifier = Formula.Classifier("micro", width: 0.5f, "symmetric", epsilon: 1e-3);
        Verify(classifier, 1e-4, new Calibration.Report
        {
            Temperature = 2.5f,
            Rows = 9,
            LossBefore = 1,
            LossAfter = 1,
            ErrorBefore = 0,
            ErrorAfter = 0,
            TargetPrecision = 1,
            RejectThresholds = new Dictionary<string, float?>(),
        });
    }

    // 60 pixels leave VGG 1 place and not 7 x 7, which is then repeated; ceilings and odd sizes everywhere else.
    [TestMethod]
    [DataRow("vgg", 60)]
    [DataRow("vgg", 250)]
    [DataRow("squeezenet", 75)]
    [DataRow("densenet", 75)]
    [DataRow("resnet20", 45)]
    [DataRow("mobilenetv2", 75)]
    public void OddSizesComputeTheSame(string network, int size)
    {
        var backbone = FixtureNetworks.Find(network, 1);
        using var classifier = ImageNetwork.Create(
            (backbone with { Preprocessing = backbone.Preprocessing with { Size = size } }).FromScratch(), outputs: 4, seed: 3);
        Verify(classifier, 1e-4);
    }

    [TestMethod]
    public void LuminanceIsMadeInside()
    {
        using var classifier = ImageNetwork.Create(SmallTraining.Backbone with { InputChannels = 1 }, outputs: 4, seed: 3);
        Verify(classifier, 1e-4);
    }

    // The input of ML.NET's pipeline: bytes of a picture of twice the size with a border of three pixels that is cropped.
    [TestMethod]
    public void ALargerPictureOfBytesIsCroppedAndAveragedInside()
    {
        const int border = 3, shrink = 2;
        using var classifier = ImageNetwork.Create(SmallTraining.Backbone, outputs: 4, seed: 3);
        using var folder = new Folder();
        var seen = (PixelTensor)PicturesOf(classifier)[0];
        var uncropped = seen with
        {
            Form = seen.Form with { Preprocessing = seen.Form.Preprocessing with { CropFraction = 32f / (32 + 2 * border) } },
        };
        var graph = ClassifierGraph.Of(classifier, [uncropped], OfClasses(classes: 4), oversampling: shrink);
        var (size, side) = (graph.Graph.Size, uncropped.Side(shrink));
        OnnxFile.Write(folder.File("picture.onnx"), graph.Graph, [(graph.Outputs[0].Value, 4)], new Dictionary<string, string>());
        Write(classifier, folder.File("network.onnx"));

        var picture = new DenseTensor<byte>([2, 3, side, side]);
        new Random(1).NextBytes(picture.Buffer.Span);
        var pixels = new DenseTensor<float>([2, 3, size, size]);
        for (var i = 0; i < pixels.Length; i++)
        {
            var (n, c, y, x) = (i / 3 / size / size, i / size / size % 3, (i / size % size + border) * shrink,
                (i % size + border) * shrink);
            pixels.Buffer.Span[i] = (picture[n, c, y, x] + picture[n, c, y, x + 1] + picture[n, c, y + 1, x]
                + picture[n, c, y + 1, x + 1]) / 4f;
        }

        Assert.AreEqual((size + 2 * border) * shrink, side);
        SmallTraining.AssertClose([Run("network.onnx", NamedOnnxValue.CreateFromTensor("pixels", pixels))],
            [Run("picture.onnx", NamedOnnxValue.CreateFromTensor("pixels", picture))]);

        float[] Run(string file, NamedOnnxValue input)
        {
            using var session = new InferenceSession(folder.File(file));
            using var results = session.Run([input], ["logits"]);
            return [.. results.Single().AsEnumerable<float>()];
        }
    }

    [TestMethod]
    public void WhatWasTrainedBecomesAFileThatSaysWhatItIs()
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var folder = new Folder();
        var path = folder.File("model.onnx");
        _ml.FineTuning.ExportOnnx(model, path);

        using var session = new InferenceSession(path);
        Assert.AreEqual("MlNetFineTune", session.ModelMetadata.ProducerName);
        CollectionAssert.AreEqual(model.Classes.ToArray(),
            JsonSerializer.Deserialize<string[]>(session.ModelMetadata.CustomMetadataMap["classes"]));
        CollectionAssert.AreEqual(new[] { -1, 3, 32, 32 }, session.InputMetadata["pixels"].Dimensions);
        CollectionAssert.AreEquivalent(new[] { "logits", "probabilities" }, session.OutputMetadata.Keys.ToArray());
        Assert.HasCount(1, Directory.GetFiles(Path.GetDirectoryName(path)!), "nothing is left beside it");
    }

    [TestMethod]
    public void TheStandardsOwnCheckerAcceptsTheFile()
    {
        using var folder = new Folder();
        foreach (var network in FixtureNetworks.Names)
        {
            using var classifier = Formula.Classifier(network, width: 0.5f, "symmetric", epsilon: 1e-3);
            Write(classifier, folder.File(network + ".onnx"));
        }

        var report = Python.RunOrSkip("check_onnx.py", [.. FixtureNetworks.Names.Select(network => folder.File(network + ".onnx"))]);

        if (report.TryGetProperty("skipped", out var reason))
            Assert.Inconclusive(reason.GetString()!);
        Assert.AreEqual(FixtureNetworks.Names.Count, report.GetProperty("checked").GetInt32());
    }

    [TestMethod]
    public void WhatCannotBeExportedIsSaidWithTheReasonAndTheWayOut()
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var twice = model.WithTestTimeAugmentation(TestTimeAugmentation.Flip);
        var stock = _ml.Transforms.CopyColumns("A", "B").Fit(_ml.Data.LoadFromEnumerable([new { B = 1f }]));

        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => _ml.FineTuning.ExportOnnx(twice, "x.onnx")).Message,
            "WithTestTimeAugmentation(TestTimeAugmentation.None)");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => _ml.FineTuning.ExportOnnx(stock, "x.onnx")).Message,
            "found none in ColumnCopyingTransformer");
        Assert.ThrowsExactly<DirectoryNotFoundException>(
            () => _ml.FineTuning.ExportOnnx(model, Path.Combine("no", "such", "folder", "x.onnx")));
        Assert.IsFalse(File.Exists("x.onnx"));
    }

    internal static IReadOnlyList<TensorColumn> PicturesOf(ImageNetwork classifier) =>
    [
        new PixelTensor(
            PixelTensor.Only, new ImageColumn("ImagePath", Folder: null, Pixels: null),
            new PictureForm(classifier.Definition.Preprocessing, classifier.Definition.InputChannels)),
    ];

    internal static void Write(ImageNetwork classifier, string path, Calibration.Report? calibration = null)
    {
        var graph = ClassifierGraph.Of(classifier, PicturesOf(classifier), OfClasses(classifier.Head.Outputs, calibration));
        var outputs = graph.Outputs.Select(output => (output.Value, (long?)output.Length)).ToList();
        OnnxFile.Write(path, graph.Graph, outputs, new Dictionary<string, string>());
    }

    /// <summary>Outputs of a multiclass model.</summary>
    internal static OutputWriter OfClasses(int classes, Calibration.Report? calibration = null) =>
        (graph, network) => ClassOutputs.Write(graph, network.Outputs, classes, calibration);

    internal static void Verify(ImageNetwork classifier, double tolerance, Calibration.Report? calibration = null)
    {
        using var scope = NewDisposeScope();
        using var folder = new Folder();
        Write(classifier, folder.File("network.onnx"), calibration);
        using var session = new InferenceSession(folder.File("network.onnx"));
        classifier.PrepareForScoring();
        var size = classifier.Definition.Preprocessing.Size;
        foreach (var count in (int[])[3, 1])
        {
            var pixels = new byte[count * size * size * 3];
            new Random(count).NextBytes(pixels);
            using var collator = classifier.CreateCollator();
            float[] expected, probabilities;
            using (inference_mode())
            {
                var logits = classifier.ForwardRest(collator.Collate(pixels, count), first: 0);
                expected = [.. logits.data<float>()];
                probabilities = [.. nn.functional.softmax(logits / (calibration?.Temperature ?? 1), 1).data<float>()];
            }

            var input = new DenseTensor<float>([count, 3, size, size]);
            for (var i = 0; i < pixels.Length; i++)
                input[i / 3 / size / size, i % 3, i / 3 / size % size, i / 3 % size] = pixels[i];
            using var results = session.Run([NamedOnnxValue.CreateFromTensor("pixels", input)]);
            var actual = results.Single(result => result.Name == "logits").AsEnumerable<float>().ToArray();

            var scale = Math.Max(1, expected.Max(Math.Abs));
            Assert.HasCount(expected.Length, actual);
            for (var i = 0; i < expected.Length; i++)
                Assert.AreEqual(expected[i], actual[i], tolerance * scale, $"logit {i} of {count} pictures");
            Assert.IsGreaterThan(1e-3, expected.Max() - expected.Min(), "a network that says nothing proves nothing");
            var actualProbabilities = results.Single(result => result.Name == "probabilities").AsEnumerable<float>().ToArray();
            for (var i = 0; i < probabilities.Length; i++)
                Assert.AreEqual(probabilities[i], actualProbabilities[i], 1e-4, $"probability {i}");
        }
    }
}
