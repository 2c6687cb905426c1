using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>A number.</summary>
internal sealed class RegressionObjective(RegressionLoss loss) : Objective
{
    public override int Outputs => 1;

    public override double Count(Tensor outputs, Tensor labels)
    {
        using var scope = NewDisposeScope();
        return nn.functional.mse_loss(outputs.squeeze(1), labels, nn.Reduction.Sum).item<float>();
    }

    public override Evaluation Evaluate(double loss, double counted) => new(loss) { RootMeanSquaredError = Math.Sqrt(counted) };

    public override Tensor ScoresOf(Tensor outputs) => outputs.alias();

    protected override Tensor LabelsOf(float[] labels, Device device) => tensor(labels, ScalarType.Float32, device);

    protected override Tensor SharesOf(Tensor labels) => labels;

    protected override Tensor LossOfEach(Tensor outputs, Targets targets, bool training)
    {
        using var scores = outputs.squeeze(1); // [N, 1] -> [N]
        return loss.OfEach(scores, targets.Labels);
    }

    protected override Tensor? ClassWeightOfEach(Tensor labels) => null;
}
