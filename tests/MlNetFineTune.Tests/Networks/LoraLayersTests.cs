using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Networks;

/// <summary>Which layers get adapters, and what the network computes with them.</summary>
[TestClass]
public sealed class LoraLayersTests
{
    // Without VGG, RegNetY, EfficientNet and similar networks: the same layers, but slow depthwise convolutions.
    [TestMethod]
    [DataRow("micro", 32, false)]
    [DataRow("densenet", 64, false)]
    [DataRow("mobilenetv3_small", 64, true)]
    [DataRow("convnext", 64, false)]
    [DataRow("vit", 64, false)]
    [DataRow("dinov2", 42, false)]
    public void AtFirstNothingChangesAndMergedTheNetworkComputesTheSame(string network, int size, bool same)
    {
        using var classifier = Formula.Classifier(network, 1, same ? "same" : "symmetric", 1e-5);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        classifier.Backbone.eval();
        var pixels = Formula.Images(2, size, size);
        var original = classifier.ForwardRest(pixels, 0);

        Adapt(classifier, Adapter.Lora(rank: 2), Strategy.Full());
        CollectionAssert.AreEqual(original.Values(), classifier.ForwardRest(pixels, 0).Values(), "B is zero");

        foreach (var (name, tensor) in classifier.NamedTensors()
            .Where(named => named.Name.EndsWith("lora_B.weight", StringComparison.Ordinal)))
        {
            Formula.Fill(name, tensor);
            tensor.mul_(0.02);
        }
        var apart = classifier.ForwardRest(pixels, 0);
        var scale = apart.abs().max().item<float>();
        Assert.IsGreaterThan(1e-2, (apart - original).abs().max().item<float>() / scale, "The adapters act.");
        classifier.PrepareForScoring();
        Assert.IsLessThan(1e-5, (classifier.ForwardRest(pixels, 0) - apart).abs().max().item<float>() / scale, "all merged and folded");
        classifier.Freeze(1);
        Assert.IsLessThan(1e-5, (classifier.ForwardRest(pixels, 0) - apart).abs().max().item<float>() / scale,
            "the first stage merged and folded");

        // A network without adapters, with the merged weights, computes the same.
        using var plain = Formula.Classifier(network, 1, same ? "same" : "symmetric", 1e-5);
        var merged = classifier.PlainTensors().ToDictionary(named => named.Name, named => named.Tensor);
        CollectionAssert.AreEquivalent(plain.NamedTensors().Select(named => named.Name).ToArray(), merged.Keys);
        foreach (var (name, tensor) in plain.NamedTensors())
            tensor.copy_(merged[name]);
        plain.Backbone.eval();
        Assert.IsLessThan(1e-5, (plain.ForwardRest(pixels, 0) - apart).abs().max().item<float>() / scale, "plain weights");
    }

    [TestMethod]
    public void TargetsAreWholeNamesTheirEndsOrPatterns()
    {
        CollectionAssert.AreEqual(new[] { "blocks.0.attn.qkv", "blocks.1.attn.qkv", "blocks.2.attn.qkv" },
            Adapted("vit", Strategy.Full(), "qkv"));
        CollectionAssert.AreEqual(new[] { "blocks.2.attn.qkv", "blocks.2.attn.proj", "blocks.2.mlp.fc1" },
            Adapted("vit", Strategy.Full(), "blocks.2.attn.*", "blocks.2.mlp.fc1"));
        CollectionAssert.AreEqual(new[] { "layer3.0.conv1", "layer3.0.conv2", "layer3.0.downsample.0" },
            Adapted("micro", Strategy.LastStages(1), "*"), "where the strategy trains");
        CollectionAssert.AreEqual(new[] { "layer2.0.conv1" },
            Adapted("micro", Strategy.From("layer2"), "layer1.0.conv1", "layer2.0.conv1"));
    }

    [TestMethod]
    public void LayersInGroupsAndThoseThatAnAdapterOutweighsStayAsTheyAre()
    {
        var adapted = Adapted("mobilenetv3_small", Strategy.Full(), "*");

        Assert.IsFalse(adapted.Any(name => name.EndsWith("conv_dw", StringComparison.Ordinal)));
        CollectionAssert.Contains(adapted, "blocks.1.0.conv_pw");
        CollectionAssert.DoesNotContain(adapted, "blocks.0.0.se.conv_reduce"); // [8, 16]: 128 weights, and 8 * 24 of an adapter
    }

    [TestMethod]
    public void AnAdapterLearnsAsTheStrategySaysOfItsLayersWeightAndNewLayersLikeTheHead()
    {
        using var classifier = ImageNetwork.Create(SmallTraining.Backbone.ReinitializeStage("layer1"), outputs: 3, seed: 1);
        var part = Apply(classifier, Adapter.Lora(rank: 2), Strategy.Full(layerDecay: 0.5f));
        foreach (var parameter in classifier.Parameters())
        {
            var expected = parameter.Name.Split('.')[0] is "fc" or "layer1" ? 1
                : !parameter.Name.Contains("lora", StringComparison.Ordinal) ? 0
                : parameter.Name.Split('.')[0] switch { "layer3" => 0.5f, "layer2" => 0.25f, _ => 0.0625f };
            Assert.AreEqual(expected, part.ScaleOf(parameter.Name), parameter.Name);
        }

        using var other = ImageNetwork.Create(SmallTraining.Backbone, outputs: 3, seed: 1);
        var byName = Apply(other, Adapter.Lora(rank: 2), new Named("layer2.0.conv1.weight"));
        CollectionAssert.AreEqual(new[] { "layer2.0.conv1" }, other.Backbone.Adapters.Layers.ToArray());
        CollectionAssert.AreEqual(
            new[] { "layer2.0.conv1.lora_A.weight", "layer2.0.conv1.lora_B.weight" },
            other.Parameters().Where(parameter => byName.ScaleOf(parameter.Name) > 0).Select(parameter => parameter.Name).ToArray());
        Assert.AreEqual(2, byName.FrozenStages);
    }

    private sealed record Named(string Name) : Strategy
    {
        internal override PlanRules Resolve(string network, IReadOnlyList<string> stages, int epochs) =>
            new([new PhaseRule(epochs, parameter => parameter.Name == Name ? 1 : 0)]);
    }

    [TestMethod]
    public void WhatDoesNotFitIsNamed()
    {
        StringAssert.Contains(Fails("vit", Strategy.Full(), "query"),
            "no layer is called query. Its layers are patch_embed.proj, blocks.0.attn.qkv");
        StringAssert.Contains(Fails("mobilenetv3_small", Strategy.Full(), "conv_dw"),
            "conv_dw is blocks.0.0.conv_dw, a convolution in groups");
        StringAssert.Contains(Fails("mobilenetv3_small", Strategy.Full(), "blocks.0.0.se.conv_reduce"),
            "which has fewer parameters than an adapter of rank 8");
        StringAssert.Contains(Fails("micro", Strategy.HeadOnly, "*"), "no adapter would ever train. Choose a strategy");
        StringAssert.Contains(Fails("micro", Strategy.LastStages(1), "layer1.*"),
            "adapts 3 layers of micro (layer1.0.conv1, layer1.0.conv2, layer1.0.downsample.0)");
    }

    [TestMethod]
    public void OptionsAreCheckedWhereTheyAreMadeAndCompareByValue()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Adapter.Lora(rank: 0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Adapter.Lora(rank: 1025));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Adapter.Lora(alpha: float.NaN));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Adapter.Lora(alpha: 0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Adapter.Lora(dropout: 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Adapter.Lora(dropout: float.NaN));
        Assert.ThrowsExactly<ArgumentException>(() => Adapter.Lora(targets: []));
        Assert.ThrowsExactly<ArgumentException>(() => Adapter.Lora(targets: ["qkv", " "]));
        Assert.AreEqual(Adapter.Lora(targets: ["qkv", "proj"]), Adapter.Lora(targets: ["qkv", "proj"]));
        Assert.AreNotEqual(Adapter.Lora(targets: ["qkv"]), Adapter.Lora(targets: ["proj"]));
        Assert.AreEqual("Lora(rank: 8, alpha: 16, targets: [*], dropout: 0.5)", Adapter.Lora(dropout: 0.5f).ToString());
        Assert.AreEqual("None", Adapter.None.ToString());
    }

    [TestMethod]
    public void DropoutDrawsCountedNumbersAndKeepsTheMean()
    {
        using var layer = new Linear(64, 64);
        using var addition = new LoraLayer(layer, rank: 64, alpha: 64, dropout: 0.25f);
        using var set = new LoraLayers();
        set.Add("layer", 0, folds: false, layer, addition);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        layer.weight.zero_();
        addition.lora_A.copy_(eye(64));
        addition.lora_B.copy_(eye(64));
        var input = ones(500, 64);
        using var state = get_rng_state();

        float[] Step(long seed, int? step)
        {
            set.BeginStep(seed, step);
            return [.. layer.forward(input).data<float>()];
        }

        var first = Step(1, 0);
        Assert.IsTrue(first.All(value => value == 0 || MathF.Abs(value - 1 / 0.75f) < 1e-6f), "dropped, or scaled by 1 / (1 - p)");
        Assert.AreEqual(1, first.Average(), 0.02, "32000 draws: four deviations are 0.013");
        CollectionAssert.AreNotEqual(first, Step(1, 1), "another step");
        CollectionAssert.AreNotEqual(first, Step(2, 0), "another seed");
        CollectionAssert.AreEqual(first, Step(1, 0), "the same step");
        Assert.IsTrue(Step(1, null).All(value => value == 1), "no dropout outside a training step");
        using var stateAfter = get_rng_state();
        CollectionAssert.AreEqual(state.data<byte>().ToArray(), stateAfter.data<byte>().ToArray(),
            "the process-wide generator was not touched");
    }

    private static string[] Adapted(string network, Strategy strategy, params string[] targets)
    {
        using var classifier = Formula.Classifier(network, 1, "symmetric", 1e-5);
        Adapt(classifier, Adapter.Lora(targets: targets), strategy);
        return [.. classifier.Backbone.Adapters.Layers];
    }

    private static string Fails(string network, Strategy strategy, params string[] targets) =>
        Assert.ThrowsExactly<ArgumentException>(() => Adapted(network, strategy, targets)).Message;

    private static void Adapt(ImageNetwork classifier, Adapter adapter, Strategy strategy) => Apply(classifier, adapter, strategy);

    private static PlannedPhase Apply(ImageNetwork classifier, Adapter adapter, Strategy strategy) =>
        adapter.Apply(classifier, strategy.Resolve(classifier.Name, classifier.Stages, epochs: 1), seed: 1, log: _ => { })
            .Resolve(classifier).Phases.Single();
}
