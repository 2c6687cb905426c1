using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Tasks;

/// <summary>
/// A task bound to a label column: how labels are read, the number of outputs, loss and metrics, and the conversion of outputs to columns.
/// Immutable. A fitted model has one, and <see cref="Describe"/> writes it to the model file.
/// </summary>
internal abstract class BoundTask
{
    public abstract LabelSource Labels { get; }

    /// <summary>The classes with their key values; null if there are none.</summary>
    public virtual LabelKeys? Keys => null;

    /// <summary>
    /// <see cref="Keys"/> if each row has exactly one class, as distillation and the reuse of an earlier head require; otherwise null.
    /// </summary>
    public virtual LabelKeys? ExclusiveClasses => Keys;

    /// <summary>The classes with their key values, for each head that has classes.</summary>
    public virtual IReadOnlyList<LabelKeys> AllKeys => Keys is { } keys ? [keys] : [];

    /// <summary>How scores are read as probabilities of classes; null unless each row has exactly one class.</summary>
    public virtual ClassScores? ClassScores => null;

    /// <summary>Names of the classes; null if a number is predicted.</summary>
    public virtual IReadOnlyList<string>? ClassNames => Keys?.Names;

    /// <summary>A label as text: the name of its class, or the number in the invariant culture.</summary>
    /// <param name="label">The numbers of the label.</param>
    public virtual string TextOf(ReadOnlySpan<float> label) =>
        ClassNames is { } names ? names[(int)label[0]] : FormattableString.Invariant($"{label[0]:0.####}");

    /// <summary>Number of outputs of the network per row.</summary>
    public abstract int Outputs { get; }

    /// <summary>The objective for scoring.</summary>
    public abstract Objective Scoring { get; }

    public abstract ScoreColumns Columns { get; }

    /// <summary>The metrics of an evaluation apart from <see cref="Metric.Loss"/>.</summary>
    public abstract IReadOnlyList<Metric> Metrics { get; }

    /// <summary>Result of the calibration; null if the probabilities are not calibrated.</summary>
    public virtual Calibration.Report? Calibration => null;

    /// <summary>
    /// Probabilities above which a row has each label, in the order of the scores; empty for tasks other than multi-label.
    /// </summary>
    public virtual IReadOnlyList<float> LabelThresholds => [];

    /// <summary>
    /// Score above which a row is predicted as positive, or as one without an answer; null for tasks that have no such decision.
    /// </summary>
    public virtual float? ScoreThreshold => null;

    /// <summary>The sigmoid of <see cref="ScoreThreshold"/>.</summary>
    public float? ProbabilityThreshold => ScoreThreshold is { } score ? 1 / (1 + MathF.Exp(-score)) : null;

    /// <summary>Creates the head: the layers on the pooled features.</summary>
    public virtual NetworkHead CreateHead(int features) => new LinearHead(features, Outputs);

    /// <summary>The task with settings from the training labels, such as the scale of a regression. Called once before training.</summary>
    /// <param name="training">The training rows.</param>
    /// <param name="channel">Receives messages.</param>
    public virtual BoundTask ForTraining(RowSubset training, IChannel channel) => this;

    /// <summary>Initializes a randomly initialized head by the training labels. Called once, before the training.
    /// </summary>
    /// <param name="head">Head from <see cref="CreateHead"/>.</param>
    /// <param name="training">The training rows.</param>
    /// <param name="isBalanced">Whether epochs are balanced by the classes of a head, as by <see cref="Balance"/>.</param>
    /// <param name="label">That head's label, if there are several heads; else null, or the only one.</param>
    public virtual void InitializeHead(NetworkHead head, RowSubset training, bool isBalanced, string? label)
    {
    }

    /// <summary>
    /// A class-balanced sampling order; its numbers are indices of <paramref name="rows"/>. Rows without the label, which are possible with
    /// several heads, are an additional class.
    /// </summary>
    /// <param name="subset">The source of the rows.</param>
    /// <param name="rows">Indices of the rows.</param>
    /// <param name="label">The label column to balance by, if there are several; otherwise null or the only one.</param>
    public virtual BalancedSampling Balance(RowSubset subset, IReadOnlyList<int> rows, string? label)
    {
        var labels = Labels;
        return BalancedSampling.OfClasses([.. rows.Select(row => KindOf(subset.Source.LabelOf(row)))]);

        int KindOf(ReadOnlySpan<float> ofRow) => float.IsNaN(ofRow[0]) ? labels.Strata : labels.StratumOf(ofRow);
    }

    /// <summary>Creates the objective for training.</summary>
    /// <param name="training">The training rows.</param>
    /// <param name="softTargets">The loss against a teacher's logits; null without a teacher.</param>
    public abstract Objective Training(RowSubset training, SoftTargetLoss? softTargets);

    /// <summary>Whether <see cref="Fit"/> needs the outputs of the validation rows.</summary>
    public virtual bool FitsOnValidation => false;

    /// <summary>Fits the parts of the task that need the trained network, such as the temperature of a calibration.</summary>
    /// <param name="outputs">Outputs of the network for the validation rows. At least one row.</param>
    /// <param name="labels">Labels of the same rows.</param>
    /// <param name="channel">Receives messages.</param>
    public virtual BoundTask Fit(RowOutputs outputs, float[] labels, IChannel channel) => this;

    /// <summary>The outputs that can be explained.</summary>
    /// <param name="head">The label of a head, where there are several; null where there is one.</param>
    /// <exception cref="ArgumentException">There is no such head, or several and none is named.</exception>
    public virtual Evidence EvidenceOf(string? head) => head is null ? Evidence : throw new ArgumentException(
        $"The model has one head, and so none is named: leave Head (which is {SafeText.Quoted(head)}) out.");

    /// <summary>The outputs of a task with one head that can be explained.</summary>
    protected virtual Evidence Evidence => new(ClassNames ?? [], outputs => outputs.alias());

    /// <summary>The report's sections on the validation rows.</summary>
    /// <param name="outputs">Outputs of the finished network for the rows that could be read. At least one.</param>
    /// <param name="labels">Labels of the same rows.</param>
    /// <param name="noun">What a row is called: picture, row.</param>
    public abstract IReadOnlyList<ReportSection> Report(RowOutputs outputs, float[] labels, string noun);

    public abstract TaskManifest Describe();

    /// <summary>Adds the conversion of outputs to scores to an exported graph.</summary>
    /// <param name="graph">Receives the nodes.</param>
    /// <param name="outputs">[N, <see cref="Outputs"/>].</param>
    /// <param name="prefix">Prefix of the outputs' names.</param>
    /// <returns>The outputs of the file.</returns>
    public abstract IReadOnlyList<GraphOutput> WriteOutputs(NetworkGraph graph, GraphValue outputs, string prefix = "");

    /// <summary>The heads, with the prefixes of their outputs' names; the task itself if it has only one.</summary>
    public virtual IReadOnlyList<(string Prefix, BoundTask Task)> Heads => [("", this)];

    /// <summary>ML.NET's scorer for the outputs of each of <see cref="Heads"/>.</summary>
    public abstract StockScorer ToStockScorer();
}
