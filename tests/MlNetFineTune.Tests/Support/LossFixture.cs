using System.Text.Json;
using MlNetFineTune.Data;
using MlNetFineTune.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Support;

/// <summary>Six rows of five classes and their weights, as tools/reference/losses_fixture.py has them.</summary>
internal static class LossFixture
{
    private static readonly int[] s_rows = [0, 1, 2, 3, 4, 5];

    public static JsonElement Content { get; } = Fixture.Read("losses.json");

    public static float[] Labels { get; } = Floats(Content.GetProperty("labels"));

    public static float[] WeightsOfClasses { get; } = Floats(Content.GetProperty("classWeights"));

    public static Targets TargetsOf(Objective objective, float[] labels, JsonElement expected, bool mixed)
    {
        var weights = Said(expected, "exampleWeights") ? Floats(Content.GetProperty("exampleWeights")) : null;
        var rows = new LabeledData(inputs: null!, labels, [0, 1, 2, 3, 4, 5], groups: null, withoutLabel: 0, weights);
        var mix = mixed ? new Mix([.. Content.GetProperty("partners").Numbers().Select(partner => (int)partner)],
            Content.Number("share")) : null;
        var targets = objective.TargetsOf(new RowSubset(rows, s_rows), s_rows, mix, CPU);
        return targets.Labels.dtype == ScalarType.Float32 ? targets with { Labels = targets.Labels.to_type(ScalarType.Float64) } : targets;
    }

    public static ClassificationLoss LossOf(JsonElement expected) => expected.Text("loss") switch
    {
        "CrossEntropy" => ClassificationLoss.CrossEntropy((float)expected.Number("smoothing")),
        "Focal" => ClassificationLoss.Focal((float)expected.Number("gamma")),
        _ => ClassificationLoss.BinaryCrossEntropy(
            (float)expected.Number("smoothing"), expected.TryGetProperty("threshold", out var threshold)
            ? (float)threshold.GetDouble()
            : null),
    };

    public static Tensor Logits(string name, long[] shape)
    {
        using var single = tensor(Formula.Values(name, shape), shape);
        return single.to_type(ScalarType.Float64).mul_(3).requires_grad_();
    }

    public static bool Said(JsonElement expected, string name) => expected.GetProperty(name).GetBoolean();

    public static float[] Floats(JsonElement numbers) => [.. numbers.Numbers().Select(number => (float)number)];
}
