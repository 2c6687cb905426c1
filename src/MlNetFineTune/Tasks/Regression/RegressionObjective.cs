using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>
/// The objective of regression. Labels and scores are in the label's unit; the network's outputs and the loss are in standardised units.
/// </summary>
/// <param name="loss">The loss, with parameters in the label's unit.</param>
/// <param name="scale">Scale by which labels are standardised; null if they are not.</param>
/// <param name="range">Bounds of the scores; null if there are none.</param>
internal sealed class RegressionObjective(RegressionLoss loss, TargetScale? scale = null, OutputRange? range = null) : Objective
{
    private readonly RegressionLoss _loss = scale is null ? loss : loss.ForLabelsDividedBy(scale.Deviation);

    public override int Outputs => 1;

    public override MetricSums CreateMetrics() => new CollectedMetrics(RegressionMetrics.Of, ScoresOf);

    /// <summary>[N, 1] in standardised units -> [N, 1] in the unit of the label.</summary>
    public override Tensor ScoresOf(Tensor outputs)
    {
        using var bounded = InRange(outputs);
        return scale?.Restore(bounded) ?? bounded.alias();
    }

    protected override Tensor LabelsOf(float[] labels, Device device) => tensor(labels, ScalarType.Float32, device);

    protected override Tensor SharesOf(Tensor labels) => labels;

    protected override Tensor LossOfEach(Tensor outputs, Targets targets, bool training)
    {
        using var bounded = InRange(outputs);
        using var scores = bounded.squeeze(1); // [N, 1] -> [N]
        using var labels = scale?.Standardize(targets.Labels) ?? targets.Labels.alias();
        return _loss.OfEach(scores, labels);
    }

    protected override Tensor? ClassWeightOfEach(Tensor labels) => null;

    private Tensor InRange(Tensor outputs) => range?.Apply(outputs, scale ?? TargetScale.Identity) ?? outputs.alias();
}
