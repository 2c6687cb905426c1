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

    /// <summary>Whether the report can list single rows with their errors.</summary>
    public virtual bool HasJudgedRows => true;

    /// <summary>Names of the classes; null if a number is predicted.</summary>
    public virtual IReadOnlyList<string>? ClassNames => Keys?.Names;

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

    /// <summary>Score above which a row is predicted as positive; null for tasks other than binary.</summary>
    public virtual float? ScoreThreshold => null;

    /// <summary>The sigmoid of <see cref="ScoreThreshold"/>.</summary>
    public float? ProbabilityThreshold => ScoreThreshold is { } score ? 1 / (1 + MathF.Exp(-score)) : null;

    /// <summary>Creates the head: the layers on the pooled features.</summary>
    public virtual NetworkHead CreateHead(int features) => new LinearHead(features, Outputs);

    /// <summary>The task with settings from the training labels, such as the scale of a regression. Called once before training.</summary>
    /// <param name="training">The rows that train.</param>
    /// <param name="channel">Receives messages.</param>
    public virtual BoundTask ForTraining(RowSubset training, IChannel channel) => this;

    /// <summary>A class-balanced sampling order; its numbers are indices of <paramref name="rows"/>.</summary>
    /// <param name="subset">The source of the rows.</param>
    /// <param name="rows">Indices of the rows.</param>
    public virtual BalancedSampling Balance(RowSubset subset, IReadOnlyList<int> rows)
    {
        var labels = Labels;
        return BalancedSampling.OfClasses([.. rows.Select(row => labels.StratumOf(subset.Source.LabelOf(row)))]);
    }

    /// <summary>Creates the objective for training.</summary>
    /// <param name="training">The rows that train.</param>
    /// <param name="softTargets">The loss against a teacher's logits; null without a teacher.</param>
    public abstract Objective Training(RowSubset training, SoftTargetLoss? softTargets);

    /// <summary>Whether <see cref="Fit"/> needs the outputs of the validation rows.</summary>
    public virtual bool FitsOnValidation => false;

    /// <summary>Fits the parts of the task that need the trained network, such as the temperature of a calibration.</summary>
    /// <param name="outputs">Outputs of the network for the validation rows. At least one row.</param>
    /// <param name="labels">Labels of the same rows.</param>
    /// <param name="channel">Receives messages.</param>
    public virtual BoundTask Fit(RowOutputs outputs, float[] labels, IChannel channel) => this;

    public abstract TaskManifest Describe();

    /// <summary>Adds the conversion of outputs to scores to an exported graph.</summary>
    /// <param name="graph">Receives the nodes.</param>
    /// <param name="outputs">[N, <see cref="Outputs"/>].</param>
    /// <returns>The outputs of the graph; null if the task does not support export.</returns>
    public virtual IReadOnlyList<GraphOutput>? WriteOutputs(NetworkGraph graph, GraphValue outputs) => null;
}
