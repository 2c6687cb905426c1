using System.Text.Json;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Onnx;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Networks;

/// <summary>
/// Channels and networks against PyTorch's, with formula weights (tools/reference/pruning_fixture.py): there the logits are those of the
/// whole network with the pruned channels at zero. In doubles at 1e-6, the rounding of the fixture's digits;
/// in singles at the yardstick of the whole networks.
/// </summary>
[TestClass]
public sealed class PrunedNetworksTests
{
    private readonly int _threads = get_num_threads();

    // Depthwise convolutions of doubles are thousands of tiny loops, which threads only slow down.
    [TestInitialize]
    public void UseOneThread() => set_num_threads(1);

    [TestCleanup]
    public void UseAllThreads() => set_num_threads(_threads);

    public static IEnumerable<object[]> Cases => Fixture.Read("pruning.json").GetProperty("cases").EnumerateArray().Select((one, index) =>
        (object[])[index, one.Text("network"), one.Number("ratio"), one.Text("norm")]);

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void TheChannelsThatGoAreTheReferencesAndTheRestComputesWhatTheWholeDoesWithThemAtZero(
        int index, string network, double ratio, string norm)
    {
        var expected = Fixture.Read("pruning.json").GetProperty("cases")[index];
        using var classifier = Whole(expected, ScalarType.Float64);
        var backbone = Definition(expected);
        using var pixels = Formula.Images(2, Size(expected), Size(expected), type: ScalarType.Float64);
        using var scope = NewDisposeScope();

        var gone = classifier.Backbone.ChannelGroups()
            .ToDictionary(group => group.Name, group => Gone(group.Name, group.Channels, backbone));
        CollectionAssert.AreEquivalent(
            expected.GetProperty("gone").EnumerateObject().Select(group => group.Name).ToArray(), gone.Keys.ToArray());
        foreach (var group in expected.GetProperty("gone").EnumerateObject())
            CollectionAssert.AreEqual(group.Value.Numbers(), gone[group.Name], group.Name);

        backbone.Pruning!.Apply(classifier.Backbone, backbone.Widths);
        Assert.AreEqual((long)expected.Number("parameters"), classifier.Backbone.ParameterCount);
        classifier.Backbone.eval();
        using (no_grad())
            Fixture.AreClose(expected.GetProperty("logits").Numbers(), classifier.ForwardRest(pixels, 0).Values(), 1e-6, "logits");

        classifier.Backbone.SetTraining(frozenStages: 0);
        var logits = classifier.ForwardRest(pixels, 0);
        Fixture.AreClose(expected.GetProperty("trainLogits").Numbers(), logits.Values(), 1e-6, "logits of a training step");
        nn.functional.cross_entropy(logits, tensor(new long[] { 1, 7 })).backward();
        var parameters = classifier.NamedParameters().ToDictionary(named => named.Name, named => named.Parameter);
        var norms = expected.GetProperty("gradientNorms").EnumerateObject()
            .ToDictionary(named => named.Name, named => named.Value.GetDouble());
        Assert.IsNotEmpty(norms);
        foreach (var (name, value) in norms)
            Assert.AreEqual(value, parameters[name].grad!.norm().item<double>(), value > 0 ? 5e-6 * value : 1e-9 * norms.Values.Max(),
                $"norm of the gradient of {name}");
        foreach (var parameter in parameters.Values)
            parameter.grad = null;
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void SinglePrecisionWithBatchNormFoldedStaysWithinATenThousandth(int index, string network, double ratio, string norm)
    {
        var expected = Fixture.Read("pruning.json").GetProperty("cases")[index];
        using var classifier = Whole(expected, ScalarType.Float32);
        var backbone = Definition(expected);
        using var pixels = Formula.Images(2, Size(expected), Size(expected));

        backbone.Pruning!.Apply(classifier.Backbone, backbone.Widths);

        classifier.PrepareForScoring();
        double[] logits;
        using (inference_mode())
        using (var scored = classifier.ForwardRest(pixels, 0))
            logits = scored.Values();
        var reference = expected.GetProperty("logits").Numbers();
        Assert.IsLessThan(1e-4, Math.Sqrt(reference.Zip(logits, (a, b) => (a - b) * (a - b)).Sum() / reference.Sum(v => v * v)),
            "relative distance of the logits");
    }

    [TestMethod]
    [DataRow("micro")]
    [DataRow("mobilenetv1")]
    [DataRow("mobilenetv2")]
    [DataRow("efficientnet")]
    [DataRow("densenet")]
    public void OnnxRuntimeComputesTheSame(string network)
    {
        using var classifier = Formula.Classifier(network, width: 0.5f, "symmetric", epsilon: 1e-3);
        var backbone = FixtureNetworks.Find(network, 0.5f).Prune(0.4f);

        backbone.Pruning!.Apply(classifier.Backbone, backbone.Widths);

        OnnxExportTests.Verify(classifier, 1e-4);
    }

    [TestMethod]
    public void ANetworkMadeEmptyHasTheFormOfOneThatWasPruned()
    {
        foreach (var backbone in (Backbone[])[
            Backbone.MobileNetV2.FromScratch().Prune(0.4f), Backbone.MobileNetV1(0.5f).FromScratch().Prune(0.4f),
            Backbone.CifarResNet(20).FromScratch().Prune(0.5f) with { InputChannels = 1 }])
        {
            using var pruned = backbone.CreateNetwork(seed: 1);
            using var empty = backbone.CreateEmptyNetwork();
            using var whole = (Backbone.FromName(backbone.Name).FromScratch() with { InputChannels = backbone.InputChannels })
                .CreateEmptyNetwork();
            CollectionAssert.AreEqual(Shapes(pruned), Shapes(empty), backbone.ToString());
            CollectionAssert.AreNotEqual(Shapes(pruned), Shapes(whole), backbone.ToString());
        }

        static string[] Shapes(BackboneNetwork network) =>
            [.. network.NamedTensors().Select(named => $"{named.Name} {string.Join(' ', named.Tensor.shape)}")];
    }

    [TestMethod]
    public void WidthsAreTheNearestMultiplesOfEightAndNeverBelowEight()
    {
        var original = new Dictionary<string, int> { ["a"] = 96, ["b"] = 144, ["c"] = 20, ["d"] = 8, ["e"] = 100 };
        Assert.AreEqual("a 72, b 112, c 16, e 72", Text(ChannelWidths.Whole.Less(0.25f, original)),
            "108 lies between 104 and 112, and a half goes up");
        Assert.AreEqual("a 8, b 16, c 8, e 8", Text(ChannelWidths.Whole.Less(0.9f, original)));
        Assert.AreEqual("a 56, b 88, c 16, e 56", Text(ChannelWidths.Whole.Less(0.25f, original).Less(0.25f, original)),
            "the share is of what is there");

        static string Text(ChannelWidths widths) =>
            string.Join(", ", widths.Pruned!.OrderBy(group => group.Key, StringComparer.Ordinal)
                .Select(group => $"{group.Key} {group.Value}"));
    }

    [TestMethod]
    public void TheStrongestStayInTheirOrderAndOfEqualOnesTheFirst() =>
        CollectionAssert.AreEqual(new long[] { 1, 2, 5 }, Pruning.Strongest([0, 2, 3, 2, 1, 3, 2], 3));

    [TestMethod]
    public void WhatIsMeasuredIsWhatIsListedAndFallsWithTheChannels()
    {
        foreach (var name in (string[])["mobilenetv2_100", "mobilenetv1_025", "resnet20"])
            Assert.AreEqual(Backbone.List().Single(info => info.Name == name), Backbone.FromName(name).Measure());

        Assert.AreEqual(new Backbone.Info("resnet20", 269_072 - 2 * 9 * 16, (
            40_550_400 - 2 * 9 * 16 * 32 * 32) * 4, 64, 64), (Backbone.CifarResNet(20) with
            {
                InputChannels = 1,
                Preprocessing = new ImagePreprocessing { Size = 64, CropFraction = 1 }
            }).Measure());

        // By hand: of each unit only the middle changes, e.g. 16 -> 96 -> 24 to 16 -> 72 -> 24 at 112 and 56 pixels.
        var (whole, pruned) = (Backbone.MobileNetV2.Measure(), Backbone.MobileNetV2.Prune(0.25f).Measure());
        Assert.AreEqual(whole.Parameters - SavedByHand(parameters: true), pruned.Parameters);
        Assert.AreEqual(whole.MultiplyAdds - SavedByHand(parameters: false), pruned.MultiplyAdds);
        Assert.AreEqual(whole.Features, pruned.Features);
    }

    private static long SavedByHand(bool parameters)
    {
        long saved = 0;
        var (channels, side) = (16, 112);
        foreach (var (repeats, stride, outputs)
            in ((int, int, int)[])[(2, 2, 24), (3, 2, 32), (4, 2, 64), (3, 1, 96), (3, 2, 160), (1, 1, 320)])
        {
            for (var r = 0; r < repeats; r++)
            {
                var after = r == 0 ? side / stride : side;
                var gone = 6 * channels - (int)Math.Floor(6 * channels * 0.75 / 8 + 0.5) * 8;
                saved += parameters ? gone * (channels + 9L + outputs + 4) : gone
                    * (side * side * channels + after * after * (9L + outputs));
                (channels, side) = (outputs, after);
            }
        }
        return saved;
    }

    private static ImageNetwork Whole(JsonElement expected, ScalarType type) =>
        Formula.Classifier(expected.Text("network"), (float)expected.Number("widthMultiplier"), expected.Text("padding"),
            expected.Number("eps"), type);

    private static Backbone Definition(JsonElement expected) =>
        FixtureNetworks.Find(expected.Text("network"), (float)expected.Number("widthMultiplier"))
            .Prune((float)expected.Number("ratio"), Enum.Parse<Backbone.PruningNorm>(expected.Text("norm")));

    private static int Size(JsonElement expected) => (int)expected.Number("size");

    private static double[] Gone(string name, ChannelGroup group, Backbone backbone)
    {
        var left = backbone.Widths.Pruned!.GetValueOrDefault(name, group.Width);
        return [.. Enumerable.Range(0, group.Width).Select(channel => (double)channel)
            .Except(Pruning.Strongest(group.Norms(backbone.Pruning!.Norm), left).Select(channel => (double)channel))];
    }
}
