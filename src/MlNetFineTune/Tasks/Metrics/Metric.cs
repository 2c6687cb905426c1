namespace MlNetFineTune;

/// <summary>
/// A validation metric: its name and whether higher values are better. One of a task's metrics selects the epoch whose weights are restored
/// (<see cref="FineTuningOptions.Metric"/>); all are in the report. Except for <see cref="Loss"/>, rows are not weighted. A metric that is
/// undefined for the validation rows (such as the area under the ROC curve without both classes) is NaN. NaN is worse than any number;
/// between two epochs with NaN, <see cref="Loss"/> decides.
/// </summary>
public sealed record Metric
{
    private Metric(string name, bool higherIsBetter) => (Name, HigherIsBetter) = (name, higherIsBetter);

    /// <summary>
    /// The mean of the task's loss, weighted by example weights and class weights, without label smoothing. The default of every task,
    /// because accuracy is too coarse for the few dozen rows that validation often has.
    /// </summary>
    public static Metric Loss { get; } = new("Loss", higherIsBetter: false);

    /// <summary>
    /// Multiclass, ordinal and binary: fraction of correctly classified rows. 0 to 1; higher is better. Binary: at the threshold of
    /// <see cref="DecisionThreshold.Fixed"/>, otherwise at 0.5.
    /// </summary>
    public static Metric Accuracy { get; } = new("Accuracy", higherIsBetter: true);

    /// <summary>Regression: root of the mean squared error, in the unit of the label. At least 0; lower is better.</summary>
    public static Metric RootMeanSquaredError { get; } = new("RootMeanSquaredError", higherIsBetter: false);

    /// <summary>
    /// Multi-label: the unweighted mean over the labels of the average precision, the area under the precision-recall curve, which does not
    /// depend on a threshold. 0 to 1; higher is better. Labels without positive validation rows are excluded.
    /// </summary>
    public static Metric MeanAveragePrecision { get; } = new("MeanAveragePrecision", higherIsBetter: true);

    /// <summary>
    /// Multi-label: F1 over all labels and rows together, at the threshold of <see cref="DecisionThreshold.Fixed"/>, otherwise at 0.5. 0 to
    /// 1; higher is better.
    /// </summary>
    public static Metric MicroF1 { get; } = new("MicroF1", higherIsBetter: true);

    /// <summary>
    /// Multiclass: the unweighted mean of F1 over the classes that are present or predicted, so that rare classes count as much as frequent
    /// ones. Multi-label: the unweighted mean of the labels' F1, at the same threshold as <see cref="MicroF1"/>. 0 to 1; higher is better.
    /// </summary>
    public static Metric MacroF1 { get; } = new("MacroF1", higherIsBetter: true);

    /// <summary>
    /// Multi-label: the fraction of wrong predictions among all pairs of row and label, at the same threshold as <see cref="MicroF1"/>. 0
    /// to 1; lower is better.
    /// </summary>
    public static Metric HammingLoss { get; } = new("HammingLoss", higherIsBetter: false);

    /// <summary>
    /// Binary: the area under the ROC curve, which is the probability that a positive row scores higher than a negative one (scikit-learn's
    /// <c>roc_auc_score</c>); independent of the threshold. 0 to 1; higher is better, 0.5 is chance. NaN if all validation rows have the
    /// same class.
    /// </summary>
    public static Metric AreaUnderRocCurve { get; } = new("AreaUnderRocCurve", higherIsBetter: true);

    /// <summary>
    /// Binary: the harmonic mean of precision and recall of the positive class, at the threshold of <see cref="DecisionThreshold.Fixed"/>,
    /// otherwise at 0.5, because thresholds are tuned after the best epoch is selected. 0 to 1; higher is better. 0 if no row is positive
    /// or predicted as positive.
    /// </summary>
    public static Metric F1 { get; } = new("F1", higherIsBetter: true);

    /// <summary>
    /// Regression: the mean of |score - label|, in the unit of the label. Ordinal: the mean of |predicted - true| class index. At least 0;
    /// lower is better.
    /// </summary>
    public static Metric MeanAbsoluteError { get; } = new("MeanAbsoluteError", higherIsBetter: false);

    /// <summary>
    /// Regression: the coefficient of determination, 1 minus the ratio of the squared errors to those of the labels' mean. At most 1;
    /// higher is better, 0 is no better than the mean. NaN with fewer than two validation rows.
    /// </summary>
    public static Metric RSquared { get; } = new("RSquared", higherIsBetter: true);

    /// <summary>
    /// Ordinal: Cohen's kappa with quadratic weights, the agreement beyond chance where an error counts by the square of its distance in
    /// classes (Cohen 1968). At most 1; higher is better, 0 is chance. NaN if all labels and all predictions are the same class.
    /// </summary>
    public static Metric QuadraticWeightedKappa { get; } = new("QuadraticWeightedKappa", higherIsBetter: true);

    /// <summary>
    /// Token classification: F1 of entities, correct if type and words are, by conlleval's rules (seqeval's default mode). 0 to 1; higher
    /// is better.
    /// </summary>
    public static Metric EntityF1 { get; } = new("EntityF1", higherIsBetter: true);

    /// <summary>Token classification: the fraction of predicted entities that are correct, as in <see cref="EntityF1"/>.</summary>
    public static Metric EntityPrecision { get; } = new("EntityPrecision", higherIsBetter: true);

    /// <summary>Token classification: the fraction of true entities that are predicted, as in <see cref="EntityF1"/>.</summary>
    public static Metric EntityRecall { get; } = new("EntityRecall", higherIsBetter: true);

    /// <summary>
    /// Token classification: F1 of entities where only those predicted entities count that are complete in IOB2 or the stated IOB1
    /// (seqeval's strict mode). 0 to 1; higher is better.
    /// </summary>
    public static Metric StrictEntityF1 { get; } = new("StrictEntityF1", higherIsBetter: true);

    /// <summary>Token classification: the fraction of words with the right label. 0 to 1; higher is better.</summary>
    public static Metric WordAccuracy { get; } = new("WordAccuracy", higherIsBetter: true);

    /// <summary>
    /// Question answering: the fraction of rows whose predicted answer is the true one, as SQuAD's official script counts: without case,
    /// punctuation and articles; at the threshold of <see cref="DecisionThreshold.Fixed"/>, otherwise at 0.5. 0 to 1; higher is better.
    /// </summary>
    public static Metric ExactMatch { get; } = new("ExactMatch", higherIsBetter: true);

    /// <summary>
    /// Question answering: the mean over the rows of F1 of the words of predicted and true answer, as in <see cref="ExactMatch"/>. 0 to 1;
    /// higher is better.
    /// </summary>
    public static Metric AnswerF1 { get; } = new("AnswerF1", higherIsBetter: true);

    /// <summary>The metric of one head of <see cref="LearningTask.Several"/>: <c>Metric.Accuracy.Of("Species")</c>.</summary>
    /// <param name="labelColumnName">Name of the head's label column.</param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public Metric Of(string labelColumnName)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(labelColumnName);
        return new Metric(NameOf(labelColumnName, Name), HigherIsBetter);
    }

    /// <summary>Name of the metric in reports and files.</summary>
    public string Name { get; }

    /// <summary>Whether higher values are better.</summary>
    public bool HigherIsBetter { get; }

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    internal static string NameOf(string labelColumnName, string name) => $"{labelColumnName}.{name}";

    /// <summary>Whether a value is better than another. NaN is worse than any number.</summary>
    internal bool IsBetter(double value, double than) =>
        !double.IsNaN(value) && (double.IsNaN(than) || (HigherIsBetter ? value > than : value < than));
}
