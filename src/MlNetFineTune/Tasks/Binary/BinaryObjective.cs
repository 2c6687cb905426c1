using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>Binary classification: one logit and binary cross-entropy. Labels are 1 and 0, scores are logits.</summary>
/// <param name="classWeights">Weights of the classes false and true; null if both are 1.</param>
/// <param name="temperature">Divisor of the logits before they become scores.</param>
/// <param name="threshold">Threshold of the logits in the metrics: a row is predicted as positive if its logit is above it.</param>
internal sealed class BinaryObjective(float[]? classWeights = null, float temperature = 1, float threshold = 0) : Objective
{
    public static readonly IReadOnlyList<string> Classes = [bool.FalseString, bool.TrueString];

    public override int Outputs => 1;

    public override MetricSums CreateMetrics() => new CollectedMetrics((logits, labels) => BinaryMetrics.Of(logits, labels, threshold));

    public override Tensor ScoresOf(Tensor outputs) => temperature == 1 ? outputs.alias() : outputs.Div(temperature);

    protected override Tensor LabelsOf(float[] labels, Device device) => tensor(labels, ScalarType.Float32, device);

    protected override Tensor SharesOf(Tensor labels) => labels;

    protected override Tensor LossOfEach(Tensor outputs, Targets targets, bool training)
    {
        using var scope = NewDisposeScope();
        // [N, 1] -> [N]
        var each = nn.functional.binary_cross_entropy_with_logits(outputs.squeeze(1), targets.Labels, reduction: nn.Reduction.None);
        return (ClassWeightOfEach(targets.Labels) is { } weights ? each.mul(weights) : each).MoveToOuterDisposeScope();
    }

    protected override Tensor? ClassWeightOfEach(Tensor labels) =>
        classWeights is [var no, var yes] ? labels.Mul(yes - no).Add(no) : null;
}
