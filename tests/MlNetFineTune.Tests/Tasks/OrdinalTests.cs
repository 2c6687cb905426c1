using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using MlNetFineTune.Networks;
using MlNetFineTune.Onnx;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>
/// The proportional odds model against PyTorch's values and gradients of its definition (tools/reference/tasks_fixture.py), in doubles.
/// </summary>
[TestClass]
public sealed class OrdinalTests
{
    private static readonly JsonElement[] s_cases = [.. Fixture.Read("tasks.json").GetProperty("ordinal").EnumerateArray()];

    public static IEnumerable<object[]> Cases =>
        s_cases.Select((expected, index) => new object[] { index, $"{expected.GetProperty("classes")} classes" });

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void ProbabilitiesLossAndGradientsAreTheReferences(int index, string what)
    {
        using var scope = NewDisposeScope();
        var expected = s_cases[index];
        using var head = HeadOf(expected);
        var features = Features().requires_grad_();
        var labels = tensor([.. expected.GetProperty("labels").Numbers().Select(label => (long)label)]);

        var logs = head.forward(features);
        var each = LossOfEach(logs, labels);
        each.mean().backward();

        Verify("thresholds", CumulativeLogits.Thresholds(head.thresholds));
        Verify("probabilities", logs.exp());
        Verify("predicted", logs.argmax(1));
        Verify("each", each);
        Verify("features", features.grad!);
        Verify("weight", head.weight.grad!);
        Verify("thresholdGradient", head.thresholds.grad!);
        features.grad = head.weight.grad = head.thresholds.grad = null;

        void Verify(string name, Tensor actual) =>
            Fixture.AreClose(expected.GetProperty(name).Numbers(), actual.Values(), 1e-10, $"{name} of {what}");
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void WhatWorksWithLogitsOfClassesWorksWithItsOutputs(int index, string what)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var head = HeadOf(s_cases[index]);
        var labels = tensor([.. s_cases[index].GetProperty("labels").Numbers().Select(label => (long)label)]);
        var logs = head.forward(Features());

        Fixture.AreClose(logs.exp().Values(), nn.functional.softmax(logs, 1).Values(), 1e-12, what);
        // The likelihood's logarithm is there as it is.
        Fixture.AreClose(
            logs.gather(1, labels.unsqueeze(1)).squeeze(1).neg().Values(), LossOfEach(logs, labels).Values(), 1e-12, what);
    }

    [TestMethod]
    public void ScoresFarFromAllThresholdsHaveFiniteLossesAndSlopesInSingles()
    {
        using var scope = NewDisposeScope();
        var scores = tensor(new float[] { 200, -200, 90, -90 }, [4, 1], requires_grad: true);
        var parameters = tensor(new float[] { -1, 0.5f, -60 }, requires_grad: true); // the last two thresholds are 1e-26 apart
        var each = LossOfEach(CumulativeLogits.LogProbabilities(scores, parameters), tensor(new long[] { 0, 3, 2, 1 }));
        each.sum().backward();

        // By hand: -log sigmoid(-201) = 201 for the first; what lies between two thresholds has the log of their distance besides.
        var last = -1 + Math.Log(1 + Math.Exp(0.5));
        Fixture.AreClose([201, last + 200, 90 - last + 60, 89], each.Values(), 0.01, "loss");
        Assert.IsTrue(scores.grad!.Values().Concat(parameters.grad!.Values()).All(double.IsFinite));
        Assert.IsLessThan(-0.9, parameters.grad!.Values()[2], "two thresholds that are too near still move apart");
        scores.grad = parameters.grad = null;
    }

    [TestMethod]
    public void ThresholdsRiseAndProbabilitiesAreOneWhateverIsLearned()
    {
        using var scope = NewDisposeScope();
        var random = new Random(3);
        for (var trial = 0; trial < 50; trial++)
        {
            var parameters = tensor([.. Enumerable.Range(0, 6).Select(_ => 20 * random.NextDouble() - 10)], ScalarType.Float64);
            var thresholds = CumulativeLogits.Thresholds(parameters).Values();
            Assert.IsTrue(thresholds.Zip(thresholds.Skip(1)).All(pair => pair.First < pair.Second));
            var scores = tensor([.. Enumerable.Range(0, 5).Select(_ => 40 * random.NextDouble() - 20)], [5, 1], ScalarType.Float64);
            foreach (var sum in CumulativeLogits.LogProbabilities(scores, parameters).exp().sum([1]).Values())
                Assert.AreEqual(1, sum, 1e-12);
        }
    }

    [TestMethod]
    public void AHigherScoreMakesAllHigherClassesMoreProbableTogether()
    {
        using var scope = NewDisposeScope();
        var atMost = CumulativeLogits.LogProbabilities(tensor([-1.0, 0, 2], [3, 1]), tensor([-0.5, 0.25, 1])).exp().cumsum(1).Values();
        for (var k = 0; k < 3; k++)
            Assert.IsTrue(atMost[k] > atMost[4 + k] && atMost[4 + k] > atMost[8 + k]);
    }

    [TestMethod]
    public void AtTheBeginningClassesAreAsProbableAsTheyAreFrequent()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var head = new OrdinalHead(features: 8, classes: 4);
        var nothing = zeros(1, 8, ScalarType.Float32);
        head.Initialize(seed: 1);
        Fixture.AreClose([0.25, 0.25, 0.25, 0.25], head.forward(nothing).exp().Values(), 1e-6, "probability");
        Assert.IsTrue(head.weight.Values().All(value => Math.Abs(value) <= 1 / Math.Sqrt(8)));
        Assert.HasCount(8, head.weight.Values().Distinct().ToArray());

        head.InitializeThresholds([9, 0, 1, 86]);
        Fixture.AreClose([0.1, 0.01, 0.02, 0.87], head.forward(nothing).exp().Values(), 1e-6, "probability");
        Assert.ThrowsExactly<ArgumentException>(() => head.InitializeThresholds([1, 2]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new OrdinalHead(features: 8, classes: 1));
        CollectionAssert.AreEquivalent(new[] { "weight", "thresholds" }, head.named_parameters().Select(named => named.name).ToArray());
    }

    [TestMethod]
    public void SameSeedSameWeights()
    {
        using var first = new OrdinalHead(5, 3);
        using var second = new OrdinalHead(5, 3);
        first.Initialize(9);
        second.Initialize(9);
        CollectionAssert.AreEqual(first.weight.Values(), second.weight.Values());
        second.Initialize(10);
        CollectionAssert.AreNotEqual(first.weight.Values(), second.weight.Values());
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void ItsOnnxGraphComputesTheSame(int index, string what)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var folder = new Folder();
        using var head = HeadOf(s_cases[index]);
        var graph = new NetworkGraph();
        var output = graph.Named("scores", head.Write(graph, graph.AddInput("features", [4])));
        OnnxFile.Write(folder.File("head.onnx"), graph, [(output, (long?)head.Classes)], new Dictionary<string, string>());

        var features = Formula.Values("tasks.features", [6, 4]);
        features[0] = 300; // a score far from all thresholds
        using var session = new InferenceSession(folder.File("head.onnx"));
        using var results = session.Run([NamedOnnxValue.CreateFromTensor("features", new DenseTensor<float>(features, [6, 4]))]);

        var expected = head.forward(tensor(features, [6, 4]).to_type(ScalarType.Float64)).Values();
        Fixture.AreClose(expected, [.. results[0].AsEnumerable<float>()], 1e-5, what);
    }

    // What trains: the objective's cross-entropy, on the outputs of the head.
    private static Tensor LossOfEach(Tensor logs, Tensor labels) =>
        ClassificationLoss.CrossEntropy().OfEach(logs, labels, classWeights: null, training: true);

    internal static Tensor Features() => tensor(Formula.Values("tasks.features", [6, 4]), [6, 4]).to_type(ScalarType.Float64);

    internal static OrdinalHead HeadOf(JsonElement expected)
    {
        var head = Formula.Made(ScalarType.Float64, () => new OrdinalHead(features: 4, expected.GetProperty("classes").GetInt32()));
        using var noGradients = no_grad();
        using var weight = tensor(Formula.Values("tasks.weight", [1, 4]), [1, 4]);
        using var twice = weight.to_type(ScalarType.Float64).mul_(2);
        using var parameters = tensor(expected.GetProperty("parameters").Numbers(), ScalarType.Float64);
        head.weight.copy_(twice);
        head.thresholds.copy_(parameters);
        return head;
    }
}
