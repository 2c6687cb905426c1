using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Onnx;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Transforms;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>Real weights as an ONNX file: all-MiniLM-L6-v2.</summary>
[TestClass]
public sealed class MiniLmExportTests
{
    private const string Weights = "weights/all-MiniLM-L6-v2";

    [TestMethod]
    public void SentenceVectorsAreThoseOfTheNetwork()
    {
        var backbone = TextBackbone.FromFolder(SharedData.RequireOrSkip(Weights));
        var ml = new MLContext();
        string[] sentences = [.. Fixture.Read("minilm.json").GetProperty("sentences").EnumerateArray().Select(one => one.Text("text"))];
        var view = ml.Data.LoadFromEnumerable(sentences.Select(text => new TextRow { Text = text }));
        var options = new TextFeatureOptions { Normalize = false };
        using var features = ml.Transforms.ExtractTextFeatures("Features", "Text", backbone, options).Fit(view);
        var expected = features.Transform(view).GetColumn<float[]>("Features").ToArray();

        using var folder = new Folder();
        var path = folder.File("model.onnx");
        using (var network = TextNetwork.Create(backbone, width => new FeatureHead(width), seed: 1))
        {
            network.PrepareForScoring();
            var graph = ClassifierGraph.Of(
                network, features.Input.ToTensors(),
                (written, values) => [new GraphOutput(written.Named("features", values.Outputs), backbone.Features)]);
            OnnxFile.Write(
                path, graph.Graph, [.. graph.Outputs.Select(output => (output.Value, (long?)output.Length))],
                new Dictionary<string, string>());
        }
        using var session = new InferenceSession(path);
        using var results = session.Run(ExportedText.Inputs(ml, features, view));

        float[] actual = [.. results[0].AsEnumerable<float>()];
        Assert.HasCount(expected.Length * backbone.Features, actual);
        foreach (var (i, vector) in expected.Index())
        {
            var own = actual[(i * backbone.Features)..((i + 1) * backbone.Features)];
            Assert.IsGreaterThan(0.999999, Cosine(vector, own), sentences[i]);
            for (var c = 0; c < own.Length; c++)
                Assert.AreEqual(vector[c], own[c], 1e-5, $"{sentences[i]}, {c}");
        }
    }

    private static double Cosine(float[] one, float[] other)
    {
        static double Dot(float[] a, float[] b) => a.Zip(b).Sum(pair => (double)pair.First * pair.Second);
        return Dot(one, other) / Math.Sqrt(Dot(one, one) * Dot(other, other));
    }
}
