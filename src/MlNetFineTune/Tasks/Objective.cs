using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>The interpretation of the network's outputs: loss, metrics and scores. The caller disposes returned tensors.</summary>
internal abstract class Objective
{
    /// <summary>Number of outputs of the network per row.</summary>
    public abstract int Outputs { get; }

    /// <summary>Length of a row's score vector.</summary>
    public virtual int ScoreLength => Outputs;

    /// <summary>Labels and weights of some rows. They belong to the current dispose scope.</summary>
    /// <param name="subset">The source of the rows.</param>
    /// <param name="rows">Indices of the rows.</param>
    /// <param name="mix">How rows, labels and weights are mixed; null without mixing.</param>
    /// <param name="device">Device of the tensors.</param>
    public Targets TargetsOf(RowSubset subset, IReadOnlyList<int> rows, Mix? mix, Device device)
    {
        var labels = LabelsOf(NumbersOf(subset, rows), device);
        var weights = subset.WeightsOf(rows) is { } values ? tensor(values, ScalarType.Float32, device) : null;
        if (mix is null)
            return new(labels, weights, Contexts: ContextsOf(subset, rows));
        var others = LabelsOf(NumbersOf(subset, mix.Partners), device);
        var weightsOfOthers = subset.WeightsOf(mix.Partners) is { } some ? tensor(some, ScalarType.Float32, device) : null;
        return new(mix.Of(SharesOf(labels), SharesOf(others)), weights is null ? null : mix.Of(weights, weightsOfOthers!));
    }

    /// <summary>The training loss: the mean over the rows, weighted by example weights and class weights. 0 if all weights are 0.</summary>
    /// <param name="outputs">[N, <see cref="Outputs"/>].</param>
    /// <param name="targets">Targets of the same rows.</param>
    public virtual Tensor Loss(Tensor outputs, Targets targets)
    {
        using var scope = NewDisposeScope();
        var each = Weighed(LossOfEach(outputs, targets, training: true), targets.Weights);
        var counts = CountOfEach(targets);
        return (counts is null ? each.mean() : each.sum().div(counts.sum().ClampMin(1e-30))).MoveToOuterDisposeScope();
    }

    /// <summary>The total weight of the rows in the mean of <see cref="Loss"/>.</summary>
    public virtual double CountOf(Targets targets)
    {
        using var scope = NewDisposeScope();
        return CountOfEach(targets) is { } counts ? Number(counts.sum()) : targets.Labels.shape[0];
    }

    /// <summary>The weight of a batch in the training loss of an epoch that is reported: its rows, whatever their weights.</summary>
    /// <param name="targets">Targets of the batch.</param>
    /// <param name="rows">Number of its rows.</param>
    public virtual double ReportedCountOf(Targets targets, int rows) => rows;

    /// <summary>
    /// Total weights of the rows of a step with several batches, if the loss has parts with different rows: the mean over the step is then
    /// not a mean of the batches' means. Null if <see cref="CountOf"/> of each batch is sufficient.
    /// </summary>
    /// <param name="subset">The source of the rows.</param>
    /// <param name="rows">All rows of the step.</param>
    public virtual StepCounts? CountsOf(RowSubset subset, IReadOnlyList<int> rows) => null;

    /// <summary>The validation loss in parts: the weighted sum of the losses, and the total weight.</summary>
    public (double Sum, double Count) EvaluateLoss(Tensor outputs, Targets targets)
    {
        using var scope = NewDisposeScope();
        var each = Weighed(LossOfEach(outputs, targets, training: false), targets.Weights);
        return (Number(each.sum()), CountOfEach(targets) is { } counts ? Number(counts.sum()) : outputs.shape[0]);
    }

    /// <summary>Creates the accumulator of the loss of one evaluation pass.</summary>
    public virtual LossSums CreateLossSums() => new(this);

    /// <summary>Labels in the format of <see cref="TargetsOf"/>. The caller disposes the tensor.</summary>
    public Tensor LabelTensor(float[] labels, Device device) => LabelsOf(labels, device);

    /// <summary>Creates the accumulator of the metrics of one evaluation pass, apart from the loss.</summary>
    public abstract MetricSums CreateMetrics();

    /// <summary>Scores from outputs: [N, <see cref="Outputs"/>] -> [N, <see cref="ScoreLength"/>].</summary>
    public abstract Tensor ScoresOf(Tensor outputs);

    /// <summary>Scores from outputs and the inputs of the network: [N, <see cref="ScoreLength"/>]. Default: from outputs alone.</summary>
    public virtual Tensor ScoresOf(Tensor outputs, ModelInputs inputs) => ScoresOf(outputs);

    /// <summary>
    /// Outputs with the same number of values for each row, to be stored: [N, <see cref="Outputs"/>]. Default: unchanged.
    /// </summary>
    public virtual Tensor ToRows(Tensor outputs) => outputs.alias();

    /// <summary>The numbers of which <see cref="LabelsOf"/> makes labels. Default: the labels of the rows.</summary>
    protected virtual float[] NumbersOf(RowSubset subset, IReadOnlyList<int> rows) => subset.LabelsOf(rows);

    /// <summary>See <see cref="Targets.Contexts"/>.</summary>
    protected virtual IReadOnlyList<string>? ContextsOf(RowSubset subset, IReadOnlyList<int> rows) => null;

    /// <summary>Labels in the format of <see cref="LossOfEach"/>, with rows in the first dimension.</summary>
    protected abstract Tensor LabelsOf(float[] labels, Device device);

    /// <summary>Labels as numbers that can be averaged.</summary>
    protected abstract Tensor SharesOf(Tensor labels);

    /// <summary>Loss of each row, times its class weight: [N].</summary>
    /// <param name="outputs">[N, <see cref="Outputs"/>].</param>
    /// <param name="targets">Targets of the same rows.</param>
    /// <param name="training">Whether to apply training-only settings such as label smoothing.</param>
    protected abstract Tensor LossOfEach(Tensor outputs, Targets targets, bool training);

    /// <summary>The class weight of each row: [N]; null if all are 1.</summary>
    protected abstract Tensor? ClassWeightOfEach(Tensor labels);

    private Tensor? CountOfEach(Targets targets) =>
        ClassWeightOfEach(targets.Labels) is { } ofClasses ? Weighed(ofClasses, targets.Weights) : targets.Weights;

    private static Tensor Weighed(Tensor each, Tensor? weights) => weights is null ? each : each.mul(weights);

    private static double Number(Tensor tensor) => tensor.to_type(ScalarType.Float64).item<double>();
}
