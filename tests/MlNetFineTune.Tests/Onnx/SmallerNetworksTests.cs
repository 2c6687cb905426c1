using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Onnx;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>Every family in half precision and in 8-bit integers computes nearly the same outputs.</summary>
[TestClass]
public sealed class SmallerNetworksTests
{
    public static IEnumerable<object[]> Networks => [.. FixtureNetworks.Names.Select(name => (object[])[name])];

    [TestMethod]
    [DynamicData(nameof(Networks))]
    public void LogitsPointTheSameWay(string network)
    {
        using var classifier = Classifier(network);
        var graph = ClassifierGraph.Of(
            classifier, OnnxExportTests.PicturesOf(classifier), OnnxExportTests.OfClasses(classifier.Head.Outputs)).Graph;
        var input = Pixels(graph.Size);
        var values = Run(graph, input, graph.Nodes.Select(node => node.Outputs[0]));
        var ranges = values.ToDictionary(value => value.Key, value => (value.Value.Min(), value.Value.Max()));

        var half = Run(HalfPrecision.Of(graph), input, ["logits"])["logits"];
        var integers = Run(new Quantizer(graph, ranges).Quantize(), input, ["logits"])["logits"];

        Assert.IsGreaterThan(0.9999, Cosine(values["logits"], half), "halves");
        Assert.IsGreaterThan(0.9, Cosine(values["logits"], integers), "integers");
    }

    [TestMethod]
    public void AConvolutionRoundsItsInputItsWeightsAndNothingElse()
    {
        // One pixel, two channels, a 1x1 convolution to one: by hand.
        var graph = new NetworkGraph();
        var input = graph.Sum(graph.AddInput("pixels", [2, 1, 1]), graph.Constant("nothing", [2, 1, 1], [0f, 0f]));
        var output = graph.Add("Conv", [input, graph.Constant("weight", [1, 2, 1, 1], [0.5f, -1.26f]), graph.Constant("bias", [1], [0.3f])],
            ("group", 1L), ("strides", (long[])[1, 1]), ("pads", (long[])[0, 0, 0, 0]));
        var quantized = new Quantizer(
            graph, new Dictionary<string, (float, float)> { [input.Name] = (-1, 4.1f), [output.Name] = (-10, 10.4f) }).Quantize();

        var pixels = new DenseTensor<float>(new[] { 0.713f, 3.33f }, [1, 2, 1, 1]);
        var result = Run(quantized, pixels, [$"{output.Name}.rounded"])[$"{output.Name}.rounded"].Single();

        // Steps: input 5.1 / 255 = 0.02 from -1; weights 1.26 / 63 = 0.02; output 20.4 / 255 = 0.08.
        double Input(double x) => Math.Round(x / 0.02) * 0.02;
        var product = Input(0.713) * (Math.Round(0.5 / 0.02) * 0.02) + Input(3.33) * (-63 * 0.02)
            + Math.Round(0.3 / (0.02 * 0.02)) * (0.02 * 0.02);
        Assert.AreEqual(Math.Round(product / 0.08) * 0.08, result, 1e-5);
    }

    private static ImageNetwork Classifier(string network)
    {
        var backbone = FixtureNetworks.Find(network, 0.5f);
        return ImageNetwork.Create(backbone.FromScratch(), outputs: 10, seed: 5);
    }

    private static DenseTensor<float> Pixels(int size)
    {
        var random = new Random(7);
        var pixels = new DenseTensor<float>([2, 3, size, size]);
        for (var i = 0; i < pixels.Length; i++)
            pixels.Buffer.Span[i] = random.Next(256);
        return pixels;
    }

    private static Dictionary<string, float[]> Run(
        NetworkGraph graph, DenseTensor<float> input, IEnumerable<string> outputs)
    {
        using var folder = new Folder();
        var file = folder.File("network.onnx");
        OnnxFile.Write(
            file, graph, [.. outputs.Select(output => (new GraphValue(output), (long?)null))], new Dictionary<string, string>());
        using var session = new InferenceSession(file);
        using var results = session.Run([NamedOnnxValue.CreateFromTensor("pixels", input)]);
        return results.ToDictionary(result => result.Name, result => result.AsEnumerable<float>().ToArray(), StringComparer.Ordinal);
    }

    private static double Cosine(float[] a, float[] b) =>
        a.Zip(b).Sum(pair => (double)pair.First * pair.Second) / Math.Sqrt(
            a.Sum(value => (double)value * value) * b.Sum(value => (double)value * value));
}
