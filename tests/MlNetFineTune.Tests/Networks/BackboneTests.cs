using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Networks;

[TestClass]
public sealed class BackboneTests
{
    [TestMethod]
    public void TheRecipeOfTheFileIsNeitherLostNorMixedWithAnother()
    {
        var weights = Path.Combine(Repository.Root, "samples", "QuickStart", "Assets", "micro.safetensors");
        var loaded = Backbone.Micro.WithWeights(weights);
        Assert.AreEqual(96, loaded.Preprocessing.Size);
        Assert.AreEqual(ColorTriple.Half, loaded.Preprocessing.Mean);

        var changed = loaded with { Preprocessing = loaded.Preprocessing with { Size = 64 } };
        Assert.AreEqual((64, ColorTriple.Half), (changed.Preprocessing.Size, changed.Preprocessing.Mean));

        var error = Assert.ThrowsExactly<InvalidOperationException>(() => changed.WithWeights(weights));
        StringAssert.Contains(error.Message, "WithWeights first");
    }

    [TestMethod]
    public void ARecipeThatTheNetworkCannotFollowIsRefusedAtOnce()
    {
        var error = Assert.ThrowsExactly<ArgumentException>(
            () => Backbone.ResNet18.FromScratch() with { Padding = Backbone.ConvolutionPadding.TensorFlowSame });
        StringAssert.Contains(error.Message, "resnet18 pads symmetrically");
    }

    [TestMethod]
    public void EveryListedNameIsFoundAndHasStages()
    {
        foreach (var name in Backbone.List().Select(network => network.Name))
        {
            Assert.AreEqual(name, Backbone.FromName(name).Name);
            Assert.IsGreaterThan(3, Backbone.FromName(name).Stages.Count);
        }
        var error = Assert.ThrowsExactly<ArgumentException>(() => Backbone.FromName("resnet19"));
        StringAssert.Contains(error.Message, "resnet18");
    }

    public static IEnumerable<object[]> FixtureNames => FixtureNetworks.Names.Select(name => new object[] { name });

    [TestMethod]
    [DynamicData(nameof(FixtureNames))]
    public void EveryTensorHasAStageAndFrozenBatchNormsStayInInference(string name)
    {
        using var network = FixtureNetworks.Find(name, width: 0.25f).FromScratch().CreateEmptyNetwork();
        var stages = network.NamedTensors().Select(named => network.StageOf(named.Name)).ToHashSet();
        Assert.HasCount(network.Stages.Count, stages, "a stage without tensors would freeze nothing");
        for (var frozen = 0; frozen <= network.Stages.Count; frozen++)
        {
            network.SetTraining(frozen);
            foreach (var (path, module) in network.named_modules().Where(pair => pair.module is BatchNorm2d))
                Assert.AreEqual(network.StageOf(path) >= frozen, module.training, $"{path}, {frozen} stages frozen");
        }
    }

    [TestMethod]
    public void DenseNetsPublishedNamesAreUnderstood()
    {
        var map = DenseNet.DenseNet121.OtherNames.Single();
        Assert.AreEqual("features.denseblock4.denselayer16.norm1.running_mean",
            map.ToOurs("features.denseblock4.denselayer16.norm.1.running_mean"));
        Assert.AreEqual("features.denseblock1.denselayer2.conv2.weight", map.ToOurs("features.denseblock1.denselayer2.conv.2.weight"));
        foreach (var name in new[] { "features.transition1.norm.weight", "features.norm5.weight",
            "features.denseblock1.denselayer1.norm1.weight" })
            Assert.AreEqual(name, map.ToOurs(name));
    }

    [TestMethod]
    public void ASizeThatDoesNotExistIsRefusedWithThoseThatDo()
    {
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Backbone.CifarResNet(21)).Message,
            "20, 32, 44, 56, 110");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Backbone.RegNetY(401)).Message, "400, 800");
        Assert.AreEqual("resnet56", Backbone.CifarResNet(56).Name);
        Assert.AreEqual("regnet_y_1_6gf", Backbone.RegNetY(1600).Name);
    }

    [TestMethod]
    public void RegNetLoadsUnderTimmsNames()
    {
        using var network = Backbone.FromName("regnety_004").FromScratch().CreateEmptyNetwork();
        string[] normalised = ["weight", "bias", "running_mean", "running_var"];
        string[] convolution = ["conv.weight", .. normalised.Select(tensor => $"bn.{tensor}")];
        int[] depths = [1, 3, 6, 6];
        var timms = convolution.Select(tensor => $"stem.{tensor}").ToList();
        for (var stage = 1; stage <= 4; stage++)
        {
            for (var block = 1; block <= depths[stage - 1]; block++)
            {
                string[] layers = block == 1 ? ["conv1", "conv2", "conv3", "downsample"] : ["conv1", "conv2", "conv3"];
                timms.AddRange(from layer in layers from tensor in convolution select $"s{stage}.b{block}.{layer}.{tensor}");
                timms.AddRange(from layer in new[] { "fc1", "fc2" }
                               from tensor
                    in new[] { "weight", "bias" }
                               select $"s{stage}.b{block}.se.{layer}.{tensor}");
            }
        }

        CollectionAssert.AreEquivalent(
            network.NamedTensors().Select(named => named.Name).ToArray(), timms.Select(RegNetInTimm.Names.ToOurs).ToArray());
        Assert.AreEqual("fc.weight", RegNetInTimm.Names.ToOurs("head.fc.weight"));
        foreach (var unknown in new[]
        {
            "s1.b1234.conv1.conv.weight", "s5.b1.conv1.conv.weight", "s1.b1.conv4.conv.weight", "stems.conv.weight"
        })
            Assert.AreEqual(unknown, RegNetInTimm.Names.ToOurs(unknown));
    }

    [TestMethod]
    public void TheTableOfTheDocumentsIsTheList()
    {
        var rows = File.ReadAllLines(Path.Combine(Repository.Root, "docs", "backbones.md"))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries)).Where(cells => cells.Length == 9 && cells[1].StartsWith('`'))
            .Select(cells => string.Join(" | ", cells[1], cells[4], cells[5], cells[6], cells[7])).ToArray();
        var expected = Backbone.List().Select(info => FormattableString.Invariant(
            $"`{info.Name}` | {info.Parameters / 1e6:0.0} | {info.MultiplyAdds / 1e9:0.00} | {info.InputSize} | {info.Features}"))
                .ToArray();
        CollectionAssert.AreEquivalent(expected, rows, "docs/backbones.md should have:\n" + string.Join('\n', expected.Except(rows)));
    }
}
