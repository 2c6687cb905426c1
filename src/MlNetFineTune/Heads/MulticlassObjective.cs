using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Heads;

/// <summary>One of several classes: softmax and cross-entropy. Labels are classes from 0, scores are probabilities.</summary>
/// <param name="classes">At least 1.</param>
/// <param name="labelSmoothing">Share of the target that goes to all classes evenly; training only.</param>
internal sealed class MulticlassObjective(int classes, float labelSmoothing) : Objective
{
    public override int Outputs => classes;

    public static float CheckSmoothing(float value) => value is >= 0 and < 1
        ? value
        : throw new ArgumentOutOfRangeException("LabelSmoothing", value, "Label smoothing must be at least 0 and below 1.");

    public override Tensor TargetsOf(float[] labels, Device device) =>
        tensor(Array.ConvertAll(labels, label => (long)label), ScalarType.Int64, device);

    public override Tensor Loss(Tensor outputs, Tensor targets, nn.Reduction reduction) =>
        nn.functional.cross_entropy(outputs, targets, reduction: reduction, label_smoothing: reduction == nn.Reduction.Mean ? labelSmoothing : 0);

    public override double Count(Tensor outputs, Tensor targets)
    {
        using var scope = NewDisposeScope();
        return outputs.argmax(1).eq(targets).sum().item<long>();
    }

    public override Evaluation Evaluate(double loss, double counted) => new(loss) { Accuracy = counted };

    public override Tensor ScoresOf(Tensor outputs) => nn.functional.softmax(outputs, dim: 1);
}
