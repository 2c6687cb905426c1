using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>
/// The distillation loss: weight T^2 KL(softmax(t / T) || softmax(s / T)) + (1 - weight) label loss (Hinton et al. 2015, section 2,
/// https://arxiv.org/abs/1503.02531).
/// </summary>
internal sealed record SoftTargetLoss
{
    public SoftTargetLoss(float temperature, float weight)
    {
        if (!(temperature > 0 && float.IsFinite(temperature)))
            throw new ArgumentOutOfRangeException(nameof(temperature), temperature, "The temperature must be above 0.");
        if (!(weight is > 0 and <= 1))
            throw new ArgumentOutOfRangeException(
                nameof(weight), weight, "The weight of the teacher must be above 0 and at most 1; without one, take Distillation.None.");
        (Temperature, Weight) = (temperature, weight);
    }

    public float Temperature { get; }

    public float Weight { get; }

    public override string ToString() => FormattableString.Invariant($"temperature: {Temperature}, weight: {Weight}");

    /// <param name="ofLabels">[N]: the label loss of each row, times its class weight.</param>
    /// <param name="logits">[N, classes] of the student.</param>
    /// <param name="teacherLogits">[N, classes], without gradients.</param>
    /// <param name="classWeights">[N]: the class weight of each row; null if all are 1.</param>
    /// <returns>[N]. The caller disposes it.</returns>
    public Tensor Blend(Tensor ofLabels, Tensor logits, Tensor teacherLogits, Tensor? classWeights)
    {
        using var scope = NewDisposeScope();
        var (temperature, weight) = (ExactDouble.Of(Temperature), ExactDouble.Of(Weight));
        var theirs = nn.functional.log_softmax(teacherLogits.Div(temperature), dim: 1);
        var ours = nn.functional.log_softmax(logits.Div(temperature), dim: 1);
        var divergence = theirs.exp().mul(theirs.sub(ours)).sum(1); // [N, classes] -> [N]
        if (classWeights is not null)
            divergence = divergence.mul(classWeights);
        return ofLabels.Mul(1 - weight).Add(divergence, weight * temperature * temperature).MoveToOuterDisposeScope();
    }
}
