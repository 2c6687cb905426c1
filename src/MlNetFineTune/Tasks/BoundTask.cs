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

    /// <summary>Gives a head that was drawn at random what it should begin with by the training labels. Called once, before it trains.
    /// </summary>
    /// <param name="head">Made by <see cref="CreateHead"/>.</param>
    /// <param name="training">The rows that train.</param>
    public virtual void InitializeHead(NetworkHead head, RowSubset training)
    {
    }

    /// <summary>
    /// An order of rows in which all kinds come equally often: an index is that of a place in <paramref name="rows"/>. Rows without the
    /// label, which only one of several heads may lack, are a kind of their own.
    /// </summary>
    /// <param name="subset">Has the rows.</param>
    /// <param name="rows">One each.</param>
    /// <param name="label">The label's column that decides, where there are several; else null, or the only one.</param>
    public virtual BalancedSampling Balance(RowSubset subset, IReadOnlyList<int> rows, string? label)
    {
        var labels = Labels;
        return BalancedSampling.OfClasses([.. rows.Select(row => KindOf(subset.Source.LabelOf(row)))]);

        int KindOf(ReadOnlySpan<float> ofRow) => float.IsNaN(ofRow[0]) ? labels.Strata : labels.StratumOf(ofRow);
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

    /// <summary>What the report page of the training shows of the validation rows.</summary>
    /// <param name="outputs">The finished network's, of the rows that could be read. At least one.</param>
    /// <param name="labels">The same rows' labels.</param>
    /// <param name="noun">What a row is called: picture, row.</param>
    public abstract IReadOnlyList<ReportSection> Report(RowOutputs outputs, float[] labels, string noun);

    public abstract TaskManifest Describe();

    /// <summary>Adds what scoring does with the network's outputs to a graph that is exported.</summary>
    /// <param name="graph">Gets the nodes.</param>
    /// <param name="outputs">[N, <see cref="Outputs"/>].</param>
    /// <param name="prefix">Of the outputs' names.</param>
    /// <returns>The outputs of the file.</returns>
    public abstract IReadOnlyList<GraphOutput> WriteOutputs(NetworkGraph graph, GraphValue outputs, string prefix = "");

    /// <summary>The heads, and what stands before the names of each one's outputs: itself, where it is the only one.</summary>
    public virtual IReadOnlyList<(string Prefix, BoundTask Task)> Heads => [("", this)];

    /// <summary>The scorer of ML.NET's own that makes the columns of those outputs, of each of <see cref="Heads"/>.</summary>
    public abstract StockScorer ToStockScorer();
}
