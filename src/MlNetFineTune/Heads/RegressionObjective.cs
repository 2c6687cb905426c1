using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Heads;

/// <summary>A number.</summary>
internal sealed class RegressionObjective(RegressionLoss loss) : Objective
{
    public override int Outputs => 1;

    public override Tensor TargetsOf(float[] labels, Device device) => tensor(labels, ScalarType.Float32, device);

    public override Tensor Loss(Tensor outputs, Tensor targets, nn.Reduction reduction)
    {
        using var scores = outputs.squeeze(1); // [N, 1] -> [N]
        return loss.Of(scores, targets, reduction);
    }

    public override double Count(Tensor outputs, Tensor targets)
    {
        using var scope = NewDisposeScope();
        return nn.functional.mse_loss(outputs.squeeze(1), targets, nn.Reduction.Sum).item<float>();
    }

    public override Evaluation Evaluate(double loss, double counted) => new(loss) { RootMeanSquaredError = Math.Sqrt(counted) };

    public override Tensor ScoresOf(Tensor outputs) => outputs.alias();
}
