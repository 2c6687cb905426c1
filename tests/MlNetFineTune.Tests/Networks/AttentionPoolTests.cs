using System.Text.Json;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Onnx;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Transforms;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Networks;

/// <summary>Attention pooling against torch.nn.MultiheadAttention (attention-pool.json), and on every family of networks.</summary>
[TestClass]
public sealed class AttentionPoolTests
{
    // Half of the fixture's seventh digit, of numbers between 1 and 10.
    private const double InDoubles = 5e-7;

    private static readonly JsonElement s_fixture = Fixture.Read("attention-pool.json");

    // Networks whose own pooling is the average of the last maps.
    private static readonly string[] s_averaging =
        ["mobilenetv1", "mobilenetv2", "resnet18", "micro", "resnet20", "densenet", "regnety", "squeezenet", "efficientnet"];

    public static IEnumerable<object[]> Networks => FixtureNetworks.Names.Select(name => new object[] { name });

    [TestMethod]
    [DataRow("maps", false)]
    [DataRow("maps", true)]
    [DataRow("tokens", false)]
    public void OutputWeightsAndGradientsArePyTorchs(string name, bool channelsLast)
    {
        using var scope = NewDisposeScope();
        var expected = s_fixture.GetProperty("cases").EnumerateArray().Single(one => one.Text("name") == name);
        var (channels, heads) = ((int)s_fixture.Number("channels"), (int)s_fixture.Number("heads"));
        using var pool = Formula.Made(ScalarType.Float64, () => new AttentionPool("a network", channels, heads));
        Formula.Fill("attn_pool.query", pool.query);
        using (no_grad())
            pool.query.mul_(s_fixture.Number("sharpness"));
        long[] shape = [.. expected.GetProperty("shape").Numbers().Select(size => (long)size)];
        var values = tensor(Formula.Values(name, shape), shape).to_type(ScalarType.Float64);
        var input = (channelsLast ? values.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) : values).requires_grad_();

        var output = pool.forward(input);
        var factors = tensor(Formula.Values("loss", output.shape), output.shape).to_type(ScalarType.Float64);
        output.mul(factors).sum().backward();

        CollectionAssert.AreEqual(new long[] { 2, channels }, output.shape);
        Fixture.AreClose(expected.GetProperty("output").Numbers(), output.Values(), InDoubles, "output");
        Fixture.AreClose(expected.GetProperty("weights").Numbers(), pool.Weights(input).Values(), InDoubles, "weight");
        Fixture.AreClose(expected.GetProperty("queryGradient").Numbers(), pool.query.grad!.Values(), InDoubles, "gradient of the query");
        Fixture.AreClose(expected.GetProperty("inputGradient").Numbers(), input.grad!.Values(), InDoubles, "gradient of the input");
        Assert.AreEqual(expected.Number("inputGradientNorm"), input.grad!.norm().item<double>(), InDoubles);
    }

    [TestMethod]
    [DynamicData(nameof(Networks))]
    public void AQueryOfZerosIsTheAverageOverThePositions(string name)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var network = NetworkOf(name, HeadPooling.Attention(2), ScalarType.Float64);
        network.Pool!.query.zero_();
        var pixels = Formula.Images(2, SizeOf(network), SizeOf(network), type: ScalarType.Float64);

        var maps = network.ForwardFirst(pixels, network.Stages.Count);
        var logits = network.ForwardRest(pixels, first: 0).Values();

        var average = maps.ndim == 4 ? maps.mean([2, 3]) : maps.mean([1]);
        Assert.AreEqual(network.Backbone.Features, (int)average.shape[1]);
        Fixture.AreClose(network.Head.forward(average).Values(), logits, 1e-12, "logit");
        if (s_averaging.Contains(name))
        {
            using var native = NetworkOf(name, HeadPooling.Native, ScalarType.Float64);
            Fixture.AreClose(native.ForwardRest(pixels, first: 0).Values(), logits, 1e-12, "logit of the network's own pooling");
        }
    }

    [TestMethod]
    [DynamicData(nameof(Networks))]
    public void EveryFamilyComputesTheSameInOnnxRuntime(string name)
    {
        using var network = NetworkOf(name, HeadPooling.Attention(2));
        OnnxExportTests.Verify(network, 1e-4);
    }

    // Every way through the network that training, explanations and checkpointing use.
    [TestMethod]
    [DynamicData(nameof(Networks))]
    public void StagesAndHeadComputeTheSameInParts(string name)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var network = NetworkOf(name, HeadPooling.Attention(2), ScalarType.Float64);
        var pixels = Formula.Images(2, SizeOf(network), SizeOf(network), type: ScalarType.Float64);
        var expected = network.ForwardRest(pixels, first: 0).Values();

        for (var stage = 0; stage < network.Stages.Count; stage++)
        {
            var maps = network.ForwardMaps(pixels, stage);
            Fixture.AreClose(expected, network.ForwardFromMaps(maps, stage).Values(), 1e-12, $"from the maps of {network.Stages[stage]}");
            var rest = network.ForwardRest(network.ForwardFirst(pixels, stage), stage);
            Fixture.AreClose(expected, rest.Values(), 1e-12, $"in two parts at {network.Stages[stage]}");
        }
        Fixture.AreClose(expected, network.ForwardInTraining(pixels, first: 0, seed: 1, step: 0).Values(), 1e-12, "in training");
        var weights = network.PoolingWeights(pixels)!;
        Fixture.AreClose([1, 1], weights.sum(1).Values(), 1e-12, "sum of the weights");
        Assert.IsGreaterThan(1e-3, (weights.max() - weights.min()).item<double>(), "equal weights prove nothing");
    }

    [TestMethod]
    [DataRow("vgg", "hidden", "stage5", 32)]
    [DataRow("mobilenetv3_small", "conv_head", "blocks.5", 576)]
    public void StagesAboveTheLastMapsAreGone(string name, string gone, string last, int channels)
    {
        using var network = NetworkOf(name, HeadPooling.Attention(2));
        using var whole = NetworkOf(name, HeadPooling.Native);

        CollectionAssert.AreEqual(whole.Stages.SkipLast(1).ToArray(), network.Stages.ToArray());
        Assert.AreEqual((gone, last), (whole.Stages[^1], network.Stages[^1]));
        CollectionAssert.AreEqual(network.Stages.ToArray(), network.Definition.Stages.ToArray());
        Assert.AreEqual(channels, network.Backbone.Features);
        var names = network.NamedTensors().Select(named => named.Name).ToHashSet();
        CollectionAssert.AreEquivalent(
            whole.NamedTensors().Select(named => named.Name)
                .Where(tensor => whole.StageOf(tensor) != whole.Stages.Count - 1).Append("attn_pool.query").ToArray(),
            names.ToArray());
        Assert.IsTrue(network.NamedTensors().All(named => named.Tensor.numel() > 0));
        Assert.IsGreaterThan(0, network.AdaptableLayers().Count);
        network.BeginTraining(frozenStages: 0);
        network.PrepareForScoring();
    }

    // One position of 36, marked by one channel, says the class in another, where the others have noise: the average hides it.
    [TestMethod]
    public void AQueryLearnsWhereToLook()
    {
        const int rows = 400, channels = 8, places = 36;
        using var scope = NewDisposeScope();
        var random = new Random(1);
        var values = new float[rows * places * channels];
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)(random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5);
        var signs = new float[rows];
        for (var row = 0; row < rows; row++)
        {
            var first = (row * places + random.Next(places)) * channels;
            (signs[row], values[first]) = (random.Next(2) * 2 - 1, 4);
            values[first + 1] = 2 * signs[row];
        }
        var tokens = tensor(values, [rows, places, channels]);
        var classes = tensor(signs, [rows]);
        using var pool = new AttentionPool("a network", channels, heads: 1);

        var attended = Accuracy(pool);
        var average = Accuracy(null);

        Assert.IsGreaterThan(0.95, attended);
        Assert.IsLessThan(0.8, average);

        double Accuracy(AttentionPool? pool)
        {
            using var linear = new LinearHead(channels, 1);
            linear.Initialize(seed: 1);
            using var optimizer = optim.Adam([.. linear.parameters(), .. pool?.parameters() ?? []], lr: 0.05);
            for (var step = 0; step < 200; step++)
            {
                using var inner = NewDisposeScope();
                optimizer.zero_grad();
                nn.functional.softplus(Outputs(200).neg() * classes.narrow(0, 0, 200)).mean().backward();
                optimizer.step();
            }
            using var noGradients = no_grad();
            return (Outputs(rows).sign() == classes).narrow(0, 200, 200).to_type(ScalarType.Float32).mean().item<float>();

            Tensor Outputs(int count)
            {
                var first = tokens.narrow(0, 0, count);
                return linear.forward(pool?.forward(first) ?? first.mean([1])).squeeze(1);
            }
        }
    }

    [TestMethod]
    public void TheMultiplyAddsOfTheQueryAreCounted()
    {
        var (native, attention) = (Count(HeadPooling.Native), Count(HeadPooling.Attention(4)));

        const int channels = 128, places = 4 * 4; // of micro at 64 pixels
        Assert.AreEqual(places * channels * (4 + 1), attention - native);

        static long Count(HeadPooling pooling)
        {
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            using var network = NetworkOf("micro", pooling);
            using var counter = new MultiplyAddCounter();
            network.ForwardRest(Formula.Images(1, 64, 64), first: 0);
            return counter.Count;
        }
    }

    [TestMethod]
    public void TheDefaultNumberOfHeadsFitsEveryListedNetwork()
    {
        foreach (var info in Backbone.List())
        {
            var stages = Backbone.FromName(info.Name).FromScratch().PooledBy(HeadPooling.Attention()).Stages;
            Assert.AreEqual(0, ChannelsOf(info, stages) % 8, info.Name);
        }

        static int ChannelsOf(Backbone.Info info, IReadOnlyList<string> stages)
        {
            if (stages.Count == Backbone.FromName(info.Name).Stages.Count)
                return info.Features;
            using var network = Backbone.FromName(info.Name).FromScratch().PooledBy(HeadPooling.Attention()).CreateEmptyNetwork();
            return network.Features;
        }
    }

    [TestMethod]
    public void AQueryDecaysAndBelongsToTheHead()
    {
        using var network = NetworkOf("vit", HeadPooling.Attention(2));

        var query = network.Parameters().Single(parameter => parameter.Name == "attn_pool.query");

        Assert.AreEqual((network.Stages.Count, true), (query.Stage, query.Decays));
        CollectionAssert.AreEqual(new long[] { 2, 48 }, query.Parameter.shape);
    }

    [TestMethod]
    public void WhatCannotBePooledIsRefusedWithAReason()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => HeadPooling.Attention(0));
        Refused(() => NetworkOf("micro", HeadPooling.Attention(7)).Dispose(), "7 heads", "the 128 channels of micro", "1, 2, 4, 8, 16");
        var changed = FixtureNetworks.Find("mobilenetv3_small", 1).FromScratch().ReinitializeStage("conv_head");
        Refused(() => changed.PooledBy(HeadPooling.Attention()), "Stage 'conv_head'", "of 'blocks.5'", "take HeadPooling.Native");
        var script = Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Fixtures", "torchscript", "scripted.pt");
        var program = Backbone.FromTorchScript(script, SmallTraining.Backbone.Preprocessing);
        Refused(() => program.PooledBy(HeadPooling.Attention()), "runs as a whole", "HeadPooling.Attention(heads: 8) cannot pool it");
        using var pool = new AttentionPool("a network", channels: 8, heads: 2);
        using var features = zeros(2, 8, ScalarType.Float32);
        Refused(() => pool.forward(features), "gives [2, 8]", "take HeadPooling.Native");

        static void Refused(Action action, params string[] parts)
        {
            var message = Assert.ThrowsExactly<ArgumentException>(action).Message;
            foreach (var part in parts)
                StringAssert.Contains(message, part);
        }
    }

    // Rows of the rollout are mixed as the query mixes tokens.
    [TestMethod]
    public void AttentionRolloutFollowsTheQuery()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var network = NetworkOf("vit", HeadPooling.Attention(2), ScalarType.Float64);
        var pixels = Formula.Images(2, 64, 64, type: ScalarType.Float64);

        var maps = new AttentionRollout.Method(side: 4, poolsPatches: false).MapsOf(network, pixels);

        var rollout = eye(17, dtype: ScalarType.Float64).unsqueeze(0).expand(2, 17, 17);
        foreach (var weights in network.AttentionWeights(pixels))
            rollout = ((weights + eye(17, dtype: ScalarType.Float64)) / 2).matmul(rollout);
        var shares = zeros(2, 17, ScalarType.Float64);
        var pooling = network.PoolingWeights(pixels)!;
        for (var token = 0; token < 17; token++)
            shares += pooling.select(1, token).unsqueeze(1) * rollout.select(1, token);
        Fixture.AreClose(shares.narrow(1, 1, 16).Values(), maps.Values(), 1e-12, "share");
    }

    private static ImageNetwork NetworkOf(string name, HeadPooling pooling, ScalarType type = ScalarType.Float32)
    {
        var network = Formula.Classifier(name, 1, "symmetric", epsilon: 1e-5, type, pooling);
        network.Backbone.eval();
        return network;
    }

    private static int SizeOf(ImageNetwork network) => Math.Min(network.Definition.Preprocessing.Size, 64);
}
