using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Networks;

[TestClass]
public sealed class VisionTransformerTests
{
    [TestMethod]
    public void PositionsAreInterpolatedAsTimmDoes()
    {
        using var positions = empty(1, 17, 8);
        Formula.Fill("pos_embed", positions);
        foreach (var expected in Fixture.Read("positions.json").GetProperty("cases").EnumerateArray())
        {
            var side = (int)expected.Number("side");
            using var resampled = VisionTransformer.Resampled(positions, 4, side);
            CollectionAssert.AreEqual(new long[] { 1, 1 + side * side, 8 }, resampled.shape);
            // float32, by another version of the kernel
            Fixture.AreClose(expected.GetProperty("values").Numbers(), resampled.Values(), 2e-6, $"side {side}");
        }
    }

    [TestMethod]
    public void OnlyASquareOfPositionsIsAdapted()
    {
        using var network = new VisionTransformer(
            new TransformerShape(Patch: 16, Channels: 8, Heads: 1, Blocks: 1), size: 48, Backbone.TokenPooling.ClassToken, 1e-6);
        Assert.IsNull(network.Adaptation("pos_embed", [1, 16, 8]));
        Assert.IsNull(network.Adaptation("pos_embed", [1, 17, 4]));
        Assert.IsNull(network.Adaptation("norm.weight", [4]));
        using var file = empty(1, 17, 8);
        Formula.Fill("pos_embed", file);
        using var own = network.Adaptation("pos_embed", [1, 17, 8])!(file);
        CollectionAssert.AreEqual(new long[] { 1, 10, 8 }, own.shape);
        CollectionAssert.AreEqual(file.Values()[..8], own.Values()[..8]); // the class token's
    }

    [TestMethod]
    public void WeightsOfAnotherPictureSizeLoadAndTheLogSaysSo()
    {
        var backbone = FixtureNetworks.Find("vit", 1);
        var path = Path.Combine(SmallPictures.NewFolder(), "vit.safetensors");
        using var original = backbone.FromScratch().CreateNetwork(seed: 1);
        SafeTensorsWriter.WriteFile(path, original.NamedTensors(), new Dictionary<string, string>());

        var larger = backbone.WithWeights(path);
        larger = larger with { Preprocessing = larger.Preprocessing with { Size = 96 } };
        var notes = new List<string>();
        using var network = larger.CreateNetwork(seed: 1, notes.Add);
        StringAssert.Contains(string.Join("\n", notes), "pos_embed [1, 17, 48] was adapted to [1, 37, 48]");
        var loaded = network.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor);
        foreach (var (name, tensor) in original.NamedTensors())
        {
            using var expected = name == "pos_embed" ? VisionTransformer.Resampled(tensor, 4, 6) : tensor.alias();
            CollectionAssert.AreEqual(expected.Values(), loaded[name].Values(), name);
        }
        using var pixels = Formula.Images(1, 96, 96);
        using var noGradients = no_grad();
        using var features = network.forward(pixels);
        CollectionAssert.AreEqual(new long[] { 1, 48 }, features.shape);
        Assert.IsTrue(features.Values().All(double.IsFinite));
    }

    [TestMethod]
    public void ASizeThatIsNoMultipleOfThePatchIsRefusedAtOnce()
    {
        var error = Assert.ThrowsExactly<ArgumentException>(
            () => Backbone.ViT(Backbone.Size.Tiny) with { Preprocessing = new ImagePreprocessing { Size = 100 } });
        StringAssert.Contains(error.Message, "patches of 16 pixels");
        StringAssert.Contains(error.Message, "96 and 112");
        Assert.AreEqual(
            98, (Backbone.DinoV2(Backbone.Size.Small) with { Preprocessing = new ImagePreprocessing { Size = 98 } }).Preprocessing.Size);
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Backbone.DinoV2(Backbone.Size.Tiny)).Message, "Small and Base");
    }

    [TestMethod]
    public void TheNameKeepsThePooling()
    {
        Assert.AreEqual("deit_small_patch16_224_mean", Backbone.DeiT(Backbone.Size.Small, meanOfPatches: true).Name);
        Assert.AreEqual("vit_base_patch14_dinov2_mean", Backbone.FromName("vit_base_patch14_dinov2_mean").Name);
        Assert.ThrowsExactly<ArgumentException>(() => Backbone.FromName("resnet18_mean"));
    }

    [TestMethod]
    public void ClassTokenPositionsBiasesAndScalesDoNotDecay()
    {
        using var classifier = ImageNetwork.CreateEmpty(FixtureNetworks.Find("dinov2", 1), outputs: 3);
        var names = classifier.NamedParameters().ToDictionary(named => named.Parameter.Handle, named => named.Name);
        var groups = ParameterGroups.Apply(
            PhaseRule.Of(classifier.Stages.Count, classifier.Stages.Count, 0.5f, epochs: 1).On(classifier), classifier);

        var free = groups.Where(group => !group.Decays).SelectMany(group => group.Parameters)
            .Select(parameter => names[parameter.Handle]).ToArray();
        var decaying = groups.Where(group => group.Decays).SelectMany(group => group.Parameters)
            .Select(parameter => names[parameter.Handle]).ToArray();
        CollectionAssert.IsSubsetOf(
            new[] { "cls_token", "pos_embed", "blocks.0.ls1.gamma", "blocks.0.norm1.weight", "patch_embed.proj.bias", "head.bias" }, free);
        CollectionAssert.IsSubsetOf(
            new[] { "patch_embed.proj.weight", "blocks.0.attn.qkv.weight", "blocks.1.mlp.fc2.weight", "head.weight" }, decaying);
        Assert.HasCount(names.Count, free.Concat(decaying).Distinct().ToArray());

        // As timm counts: head 1, the last block and the norm behind it one step below, the patches lowest.
        float ScaleOf(string name) => groups.Single(
            group => group.Parameters.Any(parameter => names[parameter.Handle] == name)).LearningRateScale;
        Assert.AreEqual(
            (1f, 0.5f, 0.5f, 0.25f, 0.125f),
            (ScaleOf("head.weight"), ScaleOf("norm.weight"), ScaleOf("blocks.1.attn.proj.weight"), ScaleOf("blocks.0.attn.proj.weight"),
                ScaleOf("pos_embed")));
    }
}
