using System.Text.Json;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Transforms;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Transforms;

/// <summary>Every pooling against PyTorch's numbers (features.json), in doubles at the rounding of the fixture's seven digits.</summary>
[TestClass]
public sealed class FeaturePoolingTests
{
    private const double InDoubles = 2e-6;

    private readonly int _threads = get_num_threads();

    [TestInitialize]
    public void UseOneThread() => set_num_threads(1);

    [TestCleanup]
    public void UseAllThreads() => set_num_threads(_threads);

    public static IEnumerable<object[]> Cases =>
        from found in Fixture.Read("features.json").GetProperty("cases").EnumerateArray()
        from pooling in found.GetProperty("poolings").EnumerateObject()
        select new object[] { found.Text("network"), pooling.Name };

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void EveryPoolingEqualsPyTorchs(string name, string pooling)
    {
        var (found, network) = Load(name);
        using var owner = network;
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var expected = found.GetProperty("poolings").GetProperty(pooling);

        var plan = FeaturePlan.Of(Named(pooling, found), network);
        var features = plan.Compute(network, [.. plan.Sizes.Select(size => Formula.Images(2, size, size, type: ScalarType.Float64))]);

        CollectionAssert.AreEqual(new[] { 2, (long)expected.Number("count") }, features.shape);
        Assert.HasCount((int)expected.Number("count"), plan.Names);
        Assert.HasCount(plan.Names.Count, plan.Names.Distinct().ToArray(), "A name is given twice.");
        var values = features.Values();
        var mean = values.Average();
        Fixture.AreClose(expected.GetProperty("first").Numbers(), values, InDoubles, "first");
        Fixture.AreClose(expected.GetProperty("last").Numbers(), values[^4..], InDoubles, "last");
        Fixture.AreClose([expected.Number("mean")], [mean], InDoubles, "mean");
        Fixture.AreClose([expected.Number("std")], [Math.Sqrt(values.Average(value => (value - mean) * (value - mean)))], InDoubles, "std");
    }

    [TestMethod]
    [DataRow("resnet18")]
    [DataRow("mobilenetv2")]
    [DataRow("dinov2")]
    public void TheAverageOfTheLastMapsIsTheBackbonesOwnWhereThatAveragesToTheBit(string name)
    {
        var (found, network) = Load(name, ScalarType.Float32);
        using var owner = network;
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var size = (int)found.Number("size");
        var pixels = Formula.Images(2, size, size);

        var own = network.Backbone.forward(pixels).Values();

        foreach (var pooling in (FeaturePooling[])[FeaturePooling.Native, FeaturePooling.Average])
            CollectionAssert.AreEqual(own, FeaturePlan.Of(pooling, network).Compute(network, [pixels]).Values());
    }

    [TestMethod]
    public void NamesSayTheStageTheSizeTheKindAndTheChannel()
    {
        var (_, network) = Load("resnet18", ScalarType.Float32);
        using var owner = network;

        CollectionAssert.AreEqual(
            new[] { "layer4.average.0", "layer4.average.511", "layer4.max.0", "layer4.max.511" },
            Picked(FeaturePooling.AverageAndMax, 0, 511, 512, 1023));
        CollectionAssert.AreEqual(new[] { "layer4.native.0" }, Picked(FeaturePooling.Native, 0));
        CollectionAssert.AreEqual(
            new[] { "layer2@64.gem.0", "layer4@64.gem.0", "layer2@96.gem.127", "layer4@96.gem.511" },
            Picked(FeaturePooling.MultiScale(["layer4", "layer2"], [64, 96], FeaturePooling.GeneralizedMean()), 0, 128, 767, 1279));

        string[] Picked(FeaturePooling pooling, params int[] places)
        {
            var names = FeaturePlan.Of(pooling, network).Names;
            return [.. places.Select(place => names[place])];
        }
    }

    [TestMethod]
    public void WhatDoesNotFitTheNetworkIsRefusedWithAReason()
    {
        using (var resnet = Load("resnet18", ScalarType.Float32).Network)
        {
            Refused(resnet, FeaturePooling.ClassToken, "Stage 'layer4' of resnet18 gives", "only vision transformers have a class token");
            Refused(resnet, FeaturePooling.MultiScale(["layer2", "layer9"]), "resnet18 has no stage 'layer9'; it has: stem, layer1");
        }
        using (var mobile = Load("mobilenetv3_small", ScalarType.Float32).Network)
            Refused(mobile, FeaturePooling.MultiScale(["blocks.1", "conv_head"]), "'conv_head'", "gives no maps", "take 'blocks.5'");
        using (var vit = Load("vit", ScalarType.Float32).Network)
            Refused(vit, FeaturePooling.MultiScale(sizes: [64, 96]), "positions for pictures of 64 pixels and takes none of 96");

        static void Refused(ImageNetwork network, FeaturePooling pooling, params string[] parts)
        {
            var message = Assert.ThrowsExactly<ArgumentException>(() => FeaturePlan.Of(pooling, network)).Message;
            foreach (var part in parts)
                StringAssert.Contains(message, part);
        }
    }

    [TestMethod]
    public void ImpossiblePoolingsAreRefusedWhenTheyAreMade()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => FeaturePooling.GeneralizedMean(0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => FeaturePooling.GeneralizedMean(float.NaN));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => FeaturePooling.MultiScale(sizes: [64, 8]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => FeaturePooling.MultiScale(["layer1", " "]));
        foreach (var (make, part) in ((Action, string)[])[
            (() => FeaturePooling.MultiScale(), "needs two stages or two sizes at least"),
            (() => FeaturePooling.MultiScale(sizes: [64]), "needs two stages or two sizes at least"),
            (() => FeaturePooling.MultiScale(sizes: [64, 64]), "given twice"),
            (() => FeaturePooling.MultiScale(sizes: [.. Enumerable.Range(32, 17)]), "at most 16"),
            (() => FeaturePooling.MultiScale(["a", "b"], pooling: FeaturePooling.Native), "leave stages out"),
            (() => FeaturePooling.MultiScale(["a", "b"], pooling: FeaturePooling.MultiScale(["a", "b"])), "take another pooling")])
        {
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(make).Message, part);
        }
    }

    [TestMethod]
    public void PoolingsAreEqualByWhatTheyDoAndSayItInEveryCulture()
    {
        using var culture = new Culture("de-DE");
        Assert.AreEqual("GeneralizedMean(2.5)", $"{FeaturePooling.GeneralizedMean(2.5f)}");
        var several = FeaturePooling.MultiScale(sizes: [160, 224], pooling: FeaturePooling.Max);
        Assert.AreEqual("MultiScale(sizes: [160, 224], pooling: Max)", $"{several}");
        Assert.AreEqual(FeaturePooling.MultiScale(["a", "b"]), FeaturePooling.MultiScale(["a", "b"], pooling: FeaturePooling.Average));
        Assert.AreNotEqual(FeaturePooling.MultiScale(["a", "b"]), FeaturePooling.MultiScale(["a", "c"]));
        Assert.AreNotEqual(FeaturePooling.GeneralizedMean(2), FeaturePooling.GeneralizedMean(3));
    }

    private static FeaturePooling Named(string name, JsonElement found) => name switch
    {
        "native" => FeaturePooling.Native,
        "average" => FeaturePooling.Average,
        "max" => FeaturePooling.Max,
        "averageAndMax" => FeaturePooling.AverageAndMax,
        "gem(3)" => FeaturePooling.GeneralizedMean(),
        "gem(1.5)" => FeaturePooling.GeneralizedMean(1.5f),
        "token" => FeaturePooling.ClassToken,
        _ => FeaturePooling.MultiScale(
            [.. found.GetProperty("stages").EnumerateArray().Select(stage => stage.GetString()!)],
            [.. found.GetProperty("sizes").Numbers().Select(size => (int)size)],
            name == "scales" ? FeaturePooling.Average : FeaturePooling.Max),
    };

    // Pictures have the size that the fixture says.
    private static (JsonElement Found, ImageNetwork Network) Load(string name, ScalarType type = ScalarType.Float64)
    {
        var found = Fixture.Read("features.json").GetProperty("cases").EnumerateArray().Single(one => one.Text("network") == name);
        var size = (int)found.Number("size");
        var backbone = FixtureNetworks.Find(name, 1);
        backbone = backbone with { Recipe = backbone.Recipe with { Epsilon = found.Number("eps") } };
        backbone = backbone with
        {
            Padding = Backbone.ConvolutionPadding.Symmetric,
            Preprocessing = backbone.Preprocessing with { Size = size },
        };
        var network = Formula.Made(type, () => ImageNetwork.CreateEmpty(backbone, features => new FeatureHead(features)));
        foreach (var (tensor, values) in network.NamedTensors())
            Formula.Fill(tensor, values);
        network.Backbone.eval();
        return (found, network);
    }
}
