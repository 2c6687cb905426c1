using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>The objective of multi-label classification. Labels are 1 or 0, or fractions in mixed rows; scores are probabilities.</summary>
/// <param name="labels">Number of labels, at least 1.</param>
/// <param name="positiveWeights">One weight per label; null if all are 1, and for scoring.</param>
/// <param name="threshold">Threshold of the probability for predicted labels in the metrics.</param>
internal sealed class MultiLabelObjective(int labels, float[]? positiveWeights = null, float threshold = 0.5f) : Objective
{
    public override int Outputs => labels;

    public override MetricSums CreateMetrics() => new MultiLabelSums(labels, threshold);

    public override Tensor ScoresOf(Tensor outputs) => outputs.sigmoid();

    // [N, labels]
    protected override Tensor LabelsOf(float[] ofRows, Device device) =>
        tensor(ofRows, [ofRows.Length / labels, labels], ScalarType.Float32, device);

    protected override Tensor SharesOf(Tensor ofRows) => ofRows;

    protected override Tensor LossOfEach(Tensor outputs, Targets targets, bool training)
    {
        using var weights = positiveWeights is null ? null : tensor(positiveWeights, ScalarType.Float32, outputs.device);
        return MultiLabelLoss.OfEach(outputs, targets.Labels, weights);
    }

    protected override Tensor? ClassWeightOfEach(Tensor ofRows) => null;
}
