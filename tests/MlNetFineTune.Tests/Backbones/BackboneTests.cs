using MlNetFineTune.Backbones;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Backbones;

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
        var error = Assert.ThrowsExactly<ArgumentException>(() => Backbone.ResNet18.FromScratch() with { Padding = ConvolutionPadding.TensorFlowSame });
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

    [TestMethod]
    public void DenseNetsPublishedNamesAreUnderstood()
    {
        var map = DenseNet.DenseNet121.OtherNames.Single();
        Assert.AreEqual("features.denseblock4.denselayer16.norm1.running_mean", map.ToOurs("features.denseblock4.denselayer16.norm.1.running_mean"));
        Assert.AreEqual("features.denseblock1.denselayer2.conv2.weight", map.ToOurs("features.denseblock1.denselayer2.conv.2.weight"));
        foreach (var name in new[] { "features.transition1.norm.weight", "features.norm5.weight", "features.denseblock1.denselayer1.norm1.weight" })
            Assert.AreEqual(name, map.ToOurs(name));
    }

    [TestMethod]
    public void ASizeThatDoesNotExistIsRefusedWithThoseThatDo()
    {
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Backbone.CifarResNet(21)).Message, "20, 32, 44, 56, 110");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Backbone.RegNetY(401)).Message, "400, 800");
        Assert.AreEqual("resnet56", Backbone.CifarResNet(56).Name);
        Assert.AreEqual("regnet_y_1_6gf", Backbone.RegNetY(1600).Name);
    }
}
