using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Heads;

/// <summary>Yes or no: one logit and binary cross-entropy. Labels are 1 and 0, scores are logits.</summary>
internal sealed class BinaryObjective : Objective
{
    public override int Outputs => 1;

    public override Tensor TargetsOf(float[] labels, Device device) => tensor(labels, ScalarType.Float32, device);

    public override Tensor Loss(Tensor outputs, Tensor targets, nn.Reduction reduction)
    {
        using var logits = outputs.squeeze(1); // [N, 1] -> [N]
        return nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction: reduction);
    }

    public override double Count(Tensor outputs, Tensor targets)
    {
        using var scope = NewDisposeScope();
        return outputs.squeeze(1).gt(0).eq(targets.gt(0.5)).sum().item<long>();
    }

    public override Evaluation Evaluate(double loss, double counted) => new(loss) { Accuracy = counted };

    public override Tensor ScoresOf(Tensor outputs) => outputs.alias();
}
