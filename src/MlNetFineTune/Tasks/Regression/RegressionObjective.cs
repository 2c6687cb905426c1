using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>A number.</summary>
internal sealed class RegressionObjective(RegressionLoss loss) : Objective
{
    public override int Outputs => 1;

    public override MetricSums CreateMetrics() => new MeanMetric(Metric.RootMeanSquaredError, (outputs, labels) =>
    {
        using var scope = NewDisposeScope();
        return nn.functional.mse_loss(outputs.squeeze(1), labels, nn.Reduction.Sum).item<float>();
    }, Math.Sqrt);

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
