using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Tasks;

/// <summary>
/// A task of which the classes are known: how labels are read, what the network must give, its loss and metrics, and how its outputs
/// become columns. Immutable; a fitted model keeps one, and <see cref="Describe"/> writes it into the model file.
/// </summary>
internal abstract class BoundTask
{
    public abstract LabelSource Labels { get; }

    /// <summary>The classes with their key values; null where there are none.</summary>
    public virtual LabelKeys? Keys => null;

    /// <summary>The same where each row is of exactly one of them, as a teacher and an earlier model's head want it; else null.</summary>
    public virtual LabelKeys? ExclusiveClasses => Keys;

    /// <summary>The classes with their key values, of each head that has them.</summary>
    public virtual IReadOnlyList<LabelKeys> AllKeys => Keys is { } keys ? [keys] : [];

    /// <summary>Whether the report can show a row as right or wrong, or by how much.</summary>
    public virtual bool HasJudgedRows => true;

    /// <summary>The classes' names; null where a number is predicted.</summary>
    public virtual IReadOnlyList<string>? ClassNames => Keys?.Names;

    /// <summary>Numbers that the network gives for a row.</summary>
    public abstract int Outputs { get; }

    /// <summary>To score by.</summary>
    public abstract Objective Scoring { get; }

    public abstract ScoreColumns Columns { get; }

    /// <summary>The metrics of an evaluation beside <see cref="Metric.Loss"/>.</summary>
    public abstract IReadOnlyList<Metric> Metrics { get; }

    /// <summary>How the probabilities were calibrated; null where they were not.</summary>
    public virtual Calibration.Report? Calibration => null;

    /// <summary>Probabilities above which a row has each label, in the order of the scores; empty but for several labels a row.</summary>
    public virtual IReadOnlyList<float> LabelThresholds => [];

    /// <summary>Above which score a row is predicted to be positive; null where it is not one score that decides.</summary>
    public virtual float? ScoreThreshold => null;

    /// <summary>The probability of that score, its sigmoid.</summary>
    public float? ProbabilityThreshold => ScoreThreshold is { } score ? 1 / (1 + MathF.Exp(-score)) : null;

    /// <summary>The layers above pooled features.</summary>
    public virtual NetworkHead CreateHead(int features) => new LinearHead(features, Outputs);

    /// <summary>The task with what the training labels decide, such as the scale of a regression. Called once, before it trains.</summary>
    /// <param name="training">The rows that train.</param>
    /// <param name="channel">Told what was found.</param>
    public virtual BoundTask ForTraining(RowSubset training, IChannel channel) => this;

    /// <summary>An order of rows in which all kinds come equally often: an index is that of a place in <paramref name="rows"/>.</summary>
    /// <param name="subset">Has the rows.</param>
    /// <param name="rows">One each.</param>
    public virtual BalancedSampling Balance(RowSubset subset, IReadOnlyList<int> rows)
    {
        var labels = Labels;
        return BalancedSampling.OfClasses([.. rows.Select(row => labels.StratumOf(subset.Source.LabelOf(row)))]);
    }

    /// <summary>To train by.</summary>
    /// <param name="training">The rows that train.</param>
    /// <param name="softTargets">How a teacher's logits take part; null where there is none.</param>
    public abstract Objective Training(RowSubset training, SoftTargetLoss? softTargets);

    /// <summary>Whether <see cref="Fit"/> needs the outputs of the validation rows.</summary>
    public virtual bool FitsOnValidation => false;

    /// <summary>What is fitted once the network is trained, such as the temperature of a calibration.</summary>
    /// <param name="outputs">The network's, of validation rows. At least one.</param>
    /// <param name="labels">The same rows' labels.</param>
    /// <param name="channel">Told what was found.</param>
    public virtual BoundTask Fit(RowOutputs outputs, float[] labels, IChannel channel) => this;

    /// <summary>What can be explained.</summary>
    /// <param name="head">The label of a head, where there are several; null where there is one.</param>
    /// <exception cref="ArgumentException">There is no such head, or several and none is named.</exception>
    public virtual Evidence EvidenceOf(string? head) => head is null ? Evidence : throw new ArgumentException(
        $"The model has one head, and so none is named: leave Head (which is {SafeText.Quoted(head)}) out.");

    /// <summary>What can be explained of a task with one head.</summary>
    protected virtual Evidence Evidence => new(ClassNames ?? [], outputs => outputs.alias());

    public abstract TaskManifest Describe();

    /// <summary>Adds what scoring does with the network's outputs to a graph that is exported.</summary>
    /// <param name="graph">Gets the nodes.</param>
    /// <param name="outputs">[N, <see cref="Outputs"/>].</param>
    /// <returns>The outputs of the file; null where the task has none.</returns>
    public virtual IReadOnlyList<GraphOutput>? WriteOutputs(NetworkGraph graph, GraphValue outputs) => null;
}
