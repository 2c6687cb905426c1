using System.Text.Json;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Networks;

/// <summary>
/// Networks against PyTorch's, with formula weights. Doubles are compared at 1e-6, the rounding of the fixtures' seven digits. Float32
/// logits lie, by norm, within five times the distance at which PyTorch's own float32 lies (it is in the fixture: some networks amplify
/// rounding), and within 1e-4.
/// </summary>
[TestClass]
public sealed class BackboneNetworkTests
{
    // Depthwise convolutions of doubles are thousands of tiny loops, which threads only slow down.
    private readonly int _threads = get_num_threads();

    [TestInitialize]
    public void UseOneThread() => set_num_threads(1);

    [TestCleanup]
    public void UseAllThreads() => set_num_threads(_threads);

    private const double InDoubles = 1e-6;
    private const double InSingles = 1e-4;

    public static IEnumerable<object[]> Cases =>
        from network in FixtureNetworks.Names
        from index in Enumerable.Range(0, Fixture.Read($"network-{network}.json").GetProperty("cases").GetArrayLength())
        select new object[] { network, index };

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void EveryStageComputesWhatPyTorchComputes(string network, int index)
    {
        var (expected, classifier, pixels) = Load(network, index, ScalarType.Float64);
        using var owner = classifier;
        using var input = pixels;
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        classifier.Backbone.eval();

        var stages = expected.GetProperty("eval").GetProperty("stages");
        Assert.HasCount(stages.GetArrayLength(), classifier.Backbone.Stages);
        var current = pixels;
        for (var s = 0; s < classifier.Backbone.Stages.Count; s++)
        {
            var maps = classifier.Backbone.Stages[s].Maps.Forward(current);
            current = classifier.Backbone.Forward(current, s, s + 1);
            Assert.AreEqual(stages[s].Text("name"), classifier.Backbone.Stages[s].Name);
            var values = maps.Values();
            var mean = values.Average();
            Fixture.AreClose([stages[s].Number("mean")], [mean], InDoubles, $"mean of {stages[s].Text("name")}");
            CollectionAssert.AreEqual(stages[s].GetProperty("shape").Numbers(), maps.shape.Select(size => (double)size).ToArray());
            Fixture.AreClose([stages[s].Number("std")], [Math.Sqrt(values.Average(v => (v - mean) * (v - mean)))], InDoubles,
                $"deviation of {stages[s].Text("name")}");
            Fixture.AreClose(stages[s].GetProperty("first").Numbers(), values, InDoubles, stages[s].Text("name"));
        }

        Verify(expected, current, classifier.Head.forward(current), InDoubles);
        Verify(expected, classifier.Backbone.forward(pixels), classifier.Head.forward(classifier.Backbone.forward(pixels)), InDoubles);
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void SinglePrecisionAndFoldedBatchNormStayWithinATenThousandth(string network, int index)
    {
        var (expected, classifier, pixels) = Load(network, index, ScalarType.Float32);
        using var owner = classifier;
        using var input = pixels;
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        classifier.Backbone.eval();
        Verify(expected, classifier.Backbone.forward(pixels), classifier.Head.forward(classifier.Backbone.forward(pixels)), InSingles,
            "unfolded");

        var half = classifier.Backbone.Stages.Count / 2;
        foreach (var folded in new[] { classifier.Backbone.Stages.Count, half, 0 })
        {
            classifier.Backbone.Fold(folded);
            var pooled = classifier.Backbone.forward(pixels);
            Verify(expected, pooled, classifier.Head.forward(pooled), InSingles, $"{folded} stages folded");
        }

        classifier.PrepareForScoring();
        var probabilities = nn.functional.softmax(classifier.ForwardRest(pixels, first: 0), 1).Values();
        var logits = expected.GetProperty("eval").GetProperty("logits").Numbers().Chunk(10).SelectMany(row =>
        {
            var powers = row.Select(Math.Exp).ToArray();
            return powers.Select(power => power / powers.Sum());
        }).ToArray();
        Fixture.AreClose(logits, probabilities, InSingles, "probabilities");
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void GradientsAndRunningStatisticsEqualPyTorchs(string network, int index)
    {
        var (expected, classifier, pixels) = Load(network, index, ScalarType.Float64);
        using var owner = classifier;
        using var input = pixels;
        using var scope = NewDisposeScope();
        classifier.Backbone.SetTraining(frozenStages: 0);

        var logits = classifier.Head.forward(classifier.Backbone.forward(pixels));
        var loss = nn.functional.cross_entropy(logits, tensor(new long[] { 1, 7 }));
        loss.backward();

        var train = expected.GetProperty("train");
        Fixture.AreClose(train.GetProperty("logits").Numbers(), logits.Values(), InDoubles, "logits");
        Fixture.AreClose([train.Number("loss")], loss.Values(), InDoubles, "loss");
        var tensors = classifier.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor);
        foreach (var (kind, suffix) in new[] { ("runningMean", "running_mean"), ("runningVar", "running_var") })
        {
            foreach (var norm in train.GetProperty(kind).EnumerateObject())
                Fixture.AreClose(norm.Value.Numbers(), tensors[$"{norm.Name}.{suffix}"].Values(), InDoubles, $"{norm.Name}.{suffix}");
        }

        var gradients = train.GetProperty("gradients").EnumerateObject().ToDictionary(pair => pair.Name, pair => pair.Value.Numbers());
        CollectionAssert.AreEquivalent(
            gradients.Keys.ToArray(), tensors.Keys.Where(name => !name.Contains("running_", StringComparison.Ordinal)).ToArray());
        var largest = gradients.Values.Max(numbers => numbers[0]);
        foreach (var (name, numbers) in gradients)
        {
            var gradient = tensors[name].grad!.Values();
            var norm = Math.Sqrt(gradient.Sum(g => g * g));
            // Six digits are written; a norm of 0 stands for what is zero but for rounding.
            Assert.AreEqual(numbers[0], norm, numbers[0] > 0 ? 5e-6 * numbers[0] : 1e-9 * largest, $"norm of the gradient of {name}");
            foreach (var (value, i) in numbers.Skip(1).Select((value, i) => (value, i)))
                Assert.AreEqual(value, gradient[i], 5e-6 * numbers[0], $"gradient of {name}[{i}]");
        }

        foreach (var parameter in classifier.Backbone.parameters().Concat(classifier.Head.parameters()))
            parameter.grad = null;
    }

    private static void Verify(JsonElement expected, Tensor pooled, Tensor logits, double tolerance, string how = "in doubles")
    {
        Fixture.AreClose(expected.GetProperty("eval").GetProperty("pooled").GetProperty("first").Numbers(), pooled.Values(), tolerance,
            $"pooled, {how}");
        Fixture.AreClose([expected.GetProperty("eval").GetProperty("pooled").Number("mean")], [pooled.Values().Average()], tolerance,
            $"mean of pooled, {how}");
        var reference = expected.GetProperty("eval").GetProperty("logits").Numbers();
        if (tolerance == InDoubles)
        {
            Fixture.AreClose(reference, logits.Values(), tolerance, $"logits, {how}");
            return;
        }

        var distance = Math.Sqrt(reference.Zip(logits.Values(), (a, b) => (a - b) * (a - b)).Sum() / reference.Sum(v => v * v));
        Assert.IsLessThan(Math.Min(InSingles, 5 * expected.GetProperty("float32").Number("evalLogits") + 1e-6), distance,
            $"relative distance of the logits, {how}");
    }

    private static (JsonElement Expected, ImageNetwork Classifier, Tensor Pixels) Load(string network, int index, ScalarType type)
    {
        var expected = Fixture.Read($"network-{network}.json").GetProperty("cases")[index];
        var classifier = Formula.Classifier(
            network, (float)expected.Number("widthMultiplier"), expected.Text("padding"), expected.Number("eps"), type);
        return (expected, classifier, Formula.Images(2, (int)expected.Number("height"), (int)expected.Number("width"), type: type));
    }
}
