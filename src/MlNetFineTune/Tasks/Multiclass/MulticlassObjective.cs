using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>The objective of multiclass classification. Labels are class indices from 0, scores are softmax probabilities.</summary>
/// <param name="classes">Number of classes, at least 1.</param>
/// <param name="loss">The loss; null for cross-entropy.</param>
/// <param name="classWeights">One weight per class; null if all are 1.</param>
/// <param name="temperature">Divisor of the logits before they become scores.</param>
/// <param name="softTargets">The loss against a teacher's logits in training; null without a teacher.</param>
/// <param name="createMetrics">Creates the metrics of an evaluation pass; null for <see cref="MulticlassSums"/>.</param>
internal sealed class MulticlassObjective(
    int classes, ClassificationLoss? loss = null, float[]? classWeights = null, float temperature = 1, SoftTargetLoss? softTargets = null,
    Func<MetricSums>? createMetrics = null) : Objective
{
    private readonly ClassificationLoss _loss = loss ?? ClassificationLoss.CrossEntropy();

    public override int Outputs => classes;

    public override MetricSums CreateMetrics() => createMetrics?.Invoke() ?? new MulticlassSums(classes);

    /// <summary>The objective for scoring.</summary>
    public static MulticlassObjective OfScoring(int classes, Calibration.Report? calibration) =>
        new(classes, temperature: calibration?.Temperature ?? 1);

    public override Tensor ScoresOf(Tensor outputs)
    {
        if (temperature == 1)
            return nn.functional.softmax(outputs, dim: 1);
        using var scaled = outputs.Div(temperature);
        return nn.functional.softmax(scaled, dim: 1);
    }

    protected override Tensor LabelsOf(float[] labels, Device device) =>
        tensor(Array.ConvertAll(labels, label => (long)label), ScalarType.Int64, device);

    protected override Tensor SharesOf(Tensor labels) => ClassLabelTensors.Shares(labels, classes, ScalarType.Float32);

    protected override Tensor LossOfEach(Tensor outputs, Targets targets, bool training)
    {
        using var scope = NewDisposeScope();
        var each = _loss.OfEach(outputs, targets.Labels, WeightsOf(outputs.dtype, outputs.device), training);
        if (softTargets is not null && targets.TeacherLogits is { } teacher)
            each = softTargets.Blend(each, outputs, teacher, ClassWeightOfEach(targets.Labels));
        return each.MoveToOuterDisposeScope();
    }

    protected override Tensor? ClassWeightOfEach(Tensor labels) => WeightsOf(ScalarType.Float32, labels.device) is { } weights
        ? ClassLabelTensors.WeightOfEach(labels, weights)
        : null;

    private Tensor? WeightsOf(ScalarType type, Device device) => classWeights is null ? null : tensor(classWeights, type, device);
}
