using System.Text.Json;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Training;

/// <summary>Strategies of several parts, and those that freeze within a stage, against twenty steps of PyTorch
/// (tools/reference/strategies_fixture.py): the same parameters, the same rates, the same losses.</summary>
[TestClass]
public sealed class StrategyParityTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("strategies.json");

    public static IEnumerable<object[]> Runs => s_fixture.GetProperty("runs").EnumerateArray()
        .Select((run, index) => (object[])[index, $"{run.Text("optimizer")} {run.Text("strategy")}"]);

    [TestMethod]
    [DynamicData(nameof(Runs))]
    public void ThePartsAndTheLossesArePyTorchs(int index, string name)
    {
        var expected = s_fixture.GetProperty("runs")[index];
        var (epochs, stepsPerEpoch) = ((int)s_fixture.Number("epochs"), (int)s_fixture.Number("stepsPerEpoch"));
        var strategy = expected.Text("strategy") switch
        {
            "gradual" => Strategy.Gradual(),
            "probeThenFull" => Strategy.ProbeThenFull(probe: 0.5f, probeRate: 3, fullRate: 0.5f),
            "normAndBias" => Strategy.NormAndBias,
            "custom" => Strategy.Custom(parameter => parameter.StartsWith("fc.", StringComparison.Ordinal)
                ? 1
                : parameter.StartsWith("layer2.", StringComparison.Ordinal)
                && (parameter.Contains("conv") || parameter.Contains("downsample.0")) ? 0.5f : 0),
            _ => Strategy.Full(layerDecay: 1),
        };
        var batchNorm = expected.Text("strategy") == "batchNormFrozen" ? BatchNormMode.Frozen : BatchNormMode.Train;
        var weightDecay = (float)expected.Number("weightDecay");
        var optimizer = expected.Text("optimizer") == "AdamW" ? Optimizer.AdamW(weightDecay)
            : Optimizer.Sgd(0.9f, weightDecay, nesterov: true);
        var schedule = LearningRateSchedule.Cosine(warmup: 0.2f);

        using var classifier = Formula.Classifier("micro", 1, "symmetric", 1e-5, ScalarType.Float64);
        var plan = strategy.Resolve("micro", classifier.Stages, epochs).Resolve(classifier);
        VerifyParts(expected, plan);
        var losses = new List<double>();
        foreach (var part in plan.Phases)
        {
            using var state = optimizer.CreateState(ParameterGroups.Apply(part, classifier));
            var steps = part.Epochs * stepsPerEpoch;
            for (var step = 0; step < steps; step++)
            {
                if (step % stepsPerEpoch == 0)
                    classifier.BeginTraining(part.FrozenStages, batchNorm);
                using var scope = NewDisposeScope();
                var labels = tensor(Enumerable.Range(losses.Count, 4).Select(k => (long)(k % 10)).ToArray());
                var loss = nn.functional.cross_entropy(
                    classifier.ForwardRest(Formula.Images(4, 32, 32, 1000 * losses.Count, ScalarType.Float64), first: 0), labels,
                    label_smoothing: 0.1);
                state.ZeroGradients();
                loss.backward();
                state.Step(expected.Number("lr") * schedule.FactorAt(step, steps));
                losses.Add(loss.Values()[0]);
            }
            state.ZeroGradients();
        }

        Fixture.AreClose(expected.GetProperty("losses").Numbers(), losses, 1e-6, $"loss of {name} at step");
        Fixture.AreClose(expected.GetProperty("headBias").Numbers(), ((LinearHead)classifier.Head).bias.Values(), 1e-5, "bias of the head");
        var running = classifier.NamedTensors().Where(named => named.Name.Contains("running", StringComparison.Ordinal))
            .Sum(named => named.Tensor.Values().Sum());
        Assert.AreEqual(expected.Number("runningSum"), running, 1e-5, "running statistics");
    }

    private static void VerifyParts(JsonElement expected, TrainingPlan plan)
    {
        Assert.HasCount(expected.GetProperty("parts").GetArrayLength(), plan.Phases);
        foreach (var (part, scales) in plan.Phases.Zip(expected.GetProperty("parts").EnumerateArray()))
        {
            var actual = part.LearningRateScales.Where(scale => scale.Value > 0).ToDictionary(StringComparer.Ordinal);
            CollectionAssert.AreEquivalent(scales.EnumerateObject().Select(one => one.Name).ToArray(), actual.Keys.ToArray());
            foreach (var one in scales.EnumerateObject())
                Assert.AreEqual(one.Value.GetDouble(), actual[one.Name], 1e-6, one.Name);
        }
    }
}
