using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Backbones;

[TestClass]
public sealed class BackboneTests
{
    [TestMethod]
    public void WhatTheUserSaysOfTheRecipeHoldsBeforeAndAfterTheWeightsAreChosen()
    {
        var weights = Path.Combine(Repository.Root, "samples", "QuickStart", "Assets", "micro.safetensors");
        var mine = new ImagePreprocessing { Size = 64 };

        Assert.AreEqual(mine, (Backbone.Micro with { Preprocessing = mine }).WithWeights(weights).Preprocessing);
        Assert.AreEqual(mine, (Backbone.Micro.WithWeights(weights) with { Preprocessing = mine }).Preprocessing);
        Assert.AreEqual(96, Backbone.Micro.WithWeights(weights).Preprocessing.Size);
    }

    [TestMethod]
    public void ARecipeThatTheNetworkCannotFollowIsRefused()
    {
        var error = Assert.ThrowsExactly<NotSupportedException>(() =>
            (Backbone.ResNet18.FromScratch() with { Padding = ConvolutionPadding.TensorFlowSame }).CreateEmptyNetwork().Dispose());
        StringAssert.Contains(error.Message, "resnet18 pads symmetrically");
    }

    [TestMethod]
    public void EveryListedNameIsFoundAndHasStages()
    {
        foreach (var name in Backbone.List())
        {
            Assert.AreEqual(name, Backbone.FromName(name).Name);
            Assert.IsGreaterThan(3, Backbone.FromName(name).Stages.Count);
        }
        var error = Assert.ThrowsExactly<ArgumentException>(() => Backbone.FromName("resnet19"));
        StringAssert.Contains(error.Message, "resnet18");
    }
}
