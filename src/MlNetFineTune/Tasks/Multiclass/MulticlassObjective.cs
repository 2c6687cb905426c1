using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>One of several classes. Labels are classes from 0, scores are softmax probabilities.</summary>
/// <param name="classes">At least 1.</param>
/// <param name="loss">Null, where nothing trains, is cross-entropy.</param>
/// <param name="classWeights">One a class; null where all are 1.</param>
/// <param name="temperature">What logits are divided by before they become scores.</param>
/// <param name="softTargets">The part of the loss that a teacher has in training; null where there is none.</param>
/// <param name="createMetrics">The metrics of an evaluation pass; null is accuracy.</param>
internal sealed class MulticlassObjective(
    int classes, ClassificationLoss? loss = null, float[]? classWeights = null, float temperature = 1, SoftTargetLoss? softTargets = null,
    Func<MetricSums>? createMetrics = null) : Objective
{
    private readonly ClassificationLoss _loss = loss ?? ClassificationLoss.CrossEntropy();

    public override int Outputs => classes;

    public override MetricSums CreateMetrics() => createMetrics?.Invoke() ?? new MeanMetric(Metric.Accuracy, (outputs, labels) =>
    {
        using var scope = NewDisposeScope();
        return outputs.argmax(1).eq(labels).sum().item<long>();
    });

    /// <summary>To score by.</summary>
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
