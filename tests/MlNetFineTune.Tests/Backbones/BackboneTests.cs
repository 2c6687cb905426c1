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
}
