using System.Text.Json;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Training;

/// <summary>
/// Plan, parameter groups, optimizer, schedule and frozen BatchNorm together, against twenty steps of PyTorch
/// (tools/reference/training_fixture.py). Doubles must follow within 1e-4 at every step (what is measured is 1e-6); so must float32, in one
/// of the ways that its rounding leaves open, but for MobileNetV2 in full, whose rounding errors grow.
/// </summary>
[TestClass]
public sealed class TwentyStepsTests
{
    // Depthwise convolutions of doubles are thousands of tiny loops, which threads only slow down.
    private readonly int _threads = get_num_threads();

    [TestInitialize]
    public void UseOneThread() => set_num_threads(1);

    [TestCleanup]
    public void UseAllThreads() => set_num_threads(_threads);

    private static readonly JsonElement s_fixture = Fixture.Read("training.json");

    public static IEnumerable<object[]> Runs => Enumerable.Range(0, s_fixture.GetProperty("runs").GetArrayLength())
        .Select(
            index => new object[] { index,
                string.Join(' ', new[] { "network", "optimizer", "strategy" }
        .Select(name => s_fixture.GetProperty("runs")[index].Text(name))) });

    public static IEnumerable<object[]> MicroRuns => Runs.Where(run => ((string)run[1]).StartsWith("micro", StringComparison.Ordinal));

    [TestMethod]
    [DynamicData(nameof(Runs))]
    public void LossesInDoublesFollowPyTorch(int index, string run) => Train(index, ScalarType.Float64, run);

    [TestMethod]
    [DynamicData(nameof(MicroRuns))]
    public void LossesInSinglesFollowPyTorchWithTheFrozenStagesFolded(int index, string run) => Train(index, ScalarType.Float32, run);

    private static void Train(int index, ScalarType type, string run)
    {
        var expected = s_fixture.GetProperty("runs")[index];
        var network = expected.Text("network");
        using var classifier = network == "micro"
            ? Formula.Classifier(network, 1, "symmetric", 1e-5, type)
            : Formula.Classifier(network, 1, "same", 1e-3, type);
        Strategy strategy = expected.Text("strategy") switch
        {
            "full" => Strategy.Full(layerDecay: 1),
            "layerDecay0.7" => Strategy.Full(layerDecay: 0.7f),
            "lastStages1" => Strategy.LastStages(1, layerDecay: 1),
            _ => Strategy.HeadOnly,
        };
        var part = PartOf(strategy, classifier);
        var frozen = part.FrozenStages;
        VerifyScales(expected, part, frozen, classifier);
        var before = classifier.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor.Values());
        if (type == ScalarType.Float32)
            classifier.Backbone.Fold(frozen);
        var losses = Losses(expected, classifier, part, type);
        var tolerance = 1e-4 / losses.Max();
        if (type == ScalarType.Float64 || !Ways(expected, strategy).Any(way => Fixture.IsClose(way, losses, tolerance)))
            Fixture.AreClose(expected.GetProperty("losses").Numbers(), losses, tolerance, $"loss of {run} at step");

        var after = classifier.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor.Values());
        tolerance = type == ScalarType.Float64 ? 1e-5 : 1e-3;
        Fixture.AreClose(expected.GetProperty("headBias").Numbers(), ((LinearHead)classifier.Head).bias.Values(), tolerance,
            "bias of the head");
        Fixture.AreClose(expected.GetProperty("bn1RunningMean").Numbers(), after["bn1.running_mean"], tolerance, "bn1.running_mean");
        VerifyNorms(expected, classifier, after, tolerance);
        foreach (var (name, values) in before)
        {
            var trains = name.StartsWith(classifier.Definition.Classifier + ".", StringComparison.Ordinal)
                || classifier.Backbone.StageOf(name) >= frozen;
            Assert.AreEqual(trains, !values.SequenceEqual(after[name]), $"{name}: what is frozen keeps every bit, what trains moves");
        }
    }

    private static double[] Losses(JsonElement expected, ImageNetwork classifier, PlannedPhase part, ScalarType type)
    {
        var weightDecay = (float)expected.Number("weightDecay");
        var optimizer = expected.Text("optimizer") == "AdamW"
            ? Optimizer.AdamW(weightDecay)
            : Optimizer.Sgd((float)expected.Number("momentum"), weightDecay, nesterov: true);
        var schedule = LearningRateSchedule.Cosine(warmup: 0.2f);
        using var state = optimizer.CreateState(ParameterGroups.Apply(part, classifier));
        classifier.Backbone.SetTraining(part.FrozenStages);
        var losses = Enumerable.Range(0, 20).Select(step =>
        {
            using var scope = NewDisposeScope();
            var size = (int)expected.Number("size");
            var pixels = Formula.Images(4, size, size, 1000 * step, type);
            var labels = tensor(Enumerable.Range(step, 4).Select(k => (long)(k % 10)).ToArray());
            var loss = nn.functional.cross_entropy(
                classifier.Head.forward(classifier.Backbone.forward(pixels)), labels, label_smoothing: 0.1);
            state.ZeroGradients();
            loss.backward();
            state.Step(expected.Number("lr") * schedule.FactorAt(step, 20));
            return loss.Values()[0];
        }).ToArray();
        state.ZeroGradients();
        return losses;
    }

    /// <summary>
    /// Losses that float32 may have: PyTorch's, and those of trainings that begin one rounding away. A ReLU's input can be so near to 0
    /// that float32's rounding decides its sign; the gradient is then another one, and from there the losses go another way, the same one
    /// however the kink was crossed. So it is in step 14 of "micro SGD full". The other way (1.7e-5, 9.8e-5, 1.6e-4, 4.6e-4 and 1.9e-3 off
    /// in the last steps) is taken by PyTorch 1.13's own float32 where oneDNN is limited to SSE41 and AVX2, by libtorch 2.10 with
    /// AVX512_CORE, and by doubles whose first weights were moved by 2^-23; with the other instruction sets both stay within 4e-6.
    /// What moving the weights changes is added to PyTorch's losses: what is wrong in our training is wrong on every way.
    /// </summary>
    private static IEnumerable<double[]> Ways(JsonElement expected, Strategy strategy)
    {
        var losses = expected.GetProperty("losses").Numbers();
        yield return losses;
        var plain = InDoubles(draw: 0, share: 0);
        foreach (var power in (int[])[-23, -22])
        {
            for (var draw = 1; draw <= 4; draw++)
                yield return [.. InDoubles(draw, Math.Pow(2, power)).Zip(plain, losses).Select(at => at.Third + at.First - at.Second)];
        }

        double[] InDoubles(int draw, double share)
        {
            using var classifier = Formula.Classifier(expected.Text("network"), 1, "symmetric", 1e-5, ScalarType.Float64);
            if (draw > 0)
                Move(classifier, new Random(draw), share);
            return Losses(expected, classifier, PartOf(strategy, classifier), ScalarType.Float64);
        }
    }

    private static void Move(ImageNetwork classifier, Random random, double share)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        foreach (var (_, tensor) in classifier.NamedTensors())
            tensor.copy_(
                torch.tensor(tensor.Values().Select(value => value * (1 + share * (2 * random.NextDouble() - 1))).ToArray(), tensor.shape));
    }

    private static PlannedPhase PartOf(Strategy strategy, ImageNetwork classifier) =>
        strategy.Resolve(classifier.Definition.Name, [.. classifier.Backbone.Stages.Select(stage => stage.Name)], epochs: 1)
            .Resolve(classifier).Phases.Single();

    private static void VerifyScales(JsonElement expected, PlannedPhase part, int frozen, ImageNetwork classifier)
    {
        var scales = expected.GetProperty("scales");
        foreach (var parameter in classifier.Parameters())
        {
            var scale = parameter.Stage == classifier.Stages.Count ? 1
                : scales.TryGetProperty(classifier.Stages[parameter.Stage], out var other) ? other.GetDouble() : 0;
            Assert.AreEqual(scale, part.ScaleOf(parameter.Name), 1e-6, parameter.Name);
            Assert.AreEqual(scale == 0, parameter.Stage < frozen, parameter.Name);
        }
    }

    private static void VerifyNorms(JsonElement expected, ImageNetwork classifier, Dictionary<string, double[]> tensors, double tolerance)
    {
        foreach (var stage in expected.GetProperty("stageNorms").EnumerateObject())
        {
            var squares = tensors.Where(pair => !pair.Key.Contains("running_", StringComparison.Ordinal)
                && stage.Name == (pair.Key.StartsWith(classifier.Definition.Classifier + ".", StringComparison.Ordinal)
                    ? "head"
                    : classifier.Backbone.Stages[classifier.Backbone.StageOf(pair.Key)].Name));
            Fixture.AreClose([stage.Value.GetDouble()], [Math.Sqrt(squares.Sum(pair => pair.Value.Sum(v => v * v)))], tolerance,
                $"norm of {stage.Name}");
        }
    }

    [TestMethod]
    public void LabelSmoothingIsPyTorchs()
    {
        var smoothing = s_fixture.GetProperty("smoothing");
        using var scope = NewDisposeScope();
        var labels = tensor(smoothing.GetProperty("labels").Numbers().Select(label => (long)label).ToArray());
        foreach (var expected in smoothing.GetProperty("cases").EnumerateArray())
        {
            var logits = tensor(smoothing.GetProperty("logits").Numbers(), [4, 10], requires_grad: true);
            var amount = expected.Number("smoothing");
            var each = nn.functional.cross_entropy(logits, labels, reduction: nn.Reduction.None, label_smoothing: amount);
            var mean = nn.functional.cross_entropy(logits, labels, label_smoothing: amount);
            mean.backward();
            Fixture.AreClose(expected.GetProperty("each").Numbers(), each.Values(), 1e-7, $"loss at {amount}");
            Fixture.AreClose([expected.Number("mean")], mean.Values(), 1e-7, $"mean at {amount}");
            Fixture.AreClose(expected.GetProperty("gradientOfMean").Numbers(), logits.grad!.Values(), 1e-7, $"gradient at {amount}");
            logits.grad = null;
        }
    }
}
