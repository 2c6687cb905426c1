namespace MlNetFineTune;

/// <summary>
/// A number that says how good a model is on validation rows, by name and direction. One of a task's metrics chooses the epoch whose
/// weights are kept (<see cref="FineTuningOptions.Metric"/>); all stand in the report. Each row counts once. Where a metric is undefined
/// for the validation rows (an area under the ROC curve without rows of both kinds) it is NaN, and NaN never chooses an epoch: a number is
/// always better, and between two epochs without a number <see cref="Loss"/> decides.
/// </summary>
public sealed record Metric
{
    private Metric(string name, bool higherIsBetter) => (Name, HigherIsBetter) = (name, higherIsBetter);

    /// <summary>
    /// The mean of the task's loss by the rows' and the classes' weights, without label smoothing. The default of every task: on the few
    /// dozen rows that validation often has, accuracy moves in steps of whole percents and picks by luck.
    /// </summary>
    public static Metric Loss { get; } = new("Loss", higherIsBetter: false);

    /// <summary>Share of the rows that are right, each counted once. 0 to 1.</summary>
    public static Metric Accuracy { get; } = new("Accuracy", higherIsBetter: true);

    /// <summary>Root of the mean squared error, in the unit of the label. 0 or above.</summary>
    public static Metric RootMeanSquaredError { get; } = new("RootMeanSquaredError", higherIsBetter: false);

    /// <summary>
    /// Of several labels a row: the plain mean over the labels of their average precision, the area under the precision-recall curve, which
    /// no threshold decides. 0 to 1; labels that no validation row has are left out.
    /// </summary>
    public static Metric MeanAveragePrecision { get; } = new("MeanAveragePrecision", higherIsBetter: true);

    /// <summary>Of several labels a row: F1 of all labels and rows together, at the threshold of <see cref="DecisionThreshold.Fixed"/>,
    /// else at 0.5. 0 to 1.</summary>
    public static Metric MicroF1 { get; } = new("MicroF1", higherIsBetter: true);

    /// <summary>
    /// Multiclass: the plain mean of F1 over the classes that are present or predicted, where rare classes count as much as frequent ones.
    /// Of several labels a row: the plain mean of the labels' F1, at the same threshold as <see cref="MicroF1"/>. 0 to 1.
    /// </summary>
    public static Metric MacroF1 { get; } = new("MacroF1", higherIsBetter: true);

    /// <summary>Of several labels a row: the share of wrong answers among rows times labels, at the same threshold as
    /// <see cref="MicroF1"/>. 0 to 1.</summary>
    public static Metric HammingLoss { get; } = new("HammingLoss", higherIsBetter: false);

    /// <summary>
    /// Binary: the probability that a positive row scores higher than a negative one (<c>roc_auc_score</c>), whatever the threshold. 0 to
    /// 1; 0.5 is chance. NaN where the validation rows are all of one kind.
    /// </summary>
    public static Metric AreaUnderRocCurve { get; } = new("AreaUnderRocCurve", higherIsBetter: true);

    /// <summary>
    /// Binary: the harmonic mean of precision and recall of the positive class at <see cref="DecisionThreshold.Fixed"/>'s threshold, else
    /// at 0.5: a threshold is tuned when the best epoch is known. 0 to 1; 0 where no row is positive or predicted to be.
    /// </summary>
    public static Metric F1 { get; } = new("F1", higherIsBetter: true);

    /// <summary>
    /// Regression: the mean of |score - label|, in the unit of the label. Ordinal: how many classes the prediction is off, on average. 0 or
    /// above.
    /// </summary>
    public static Metric MeanAbsoluteError { get; } = new("MeanAbsoluteError", higherIsBetter: false);

    /// <summary>
    /// Regression: 1 minus the squared errors over those of the labels' mean. 1 is perfect, 0 no better than the mean, and there is no
    /// least value. NaN with less than two validation rows.
    /// </summary>
    public static Metric RSquared { get; } = new("RSquared", higherIsBetter: true);

    /// <summary>
    /// Ordinal: agreement beyond chance, where a mistake counts by the square of how many classes it is off (Cohen 1968). 1 is perfect, 0
    /// is chance. NaN where all labels and all predictions are one class.
    /// </summary>
    public static Metric QuadraticWeightedKappa { get; } = new("QuadraticWeightedKappa", higherIsBetter: true);

    /// <summary>The metric of one of several heads (<see cref="LearningTask.Several"/>): <c>Metric.Accuracy.Of("Species")</c>.</summary>
    /// <param name="labelColumnName">The head's label.</param>
    public Metric Of(string labelColumnName)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(labelColumnName);
        return new Metric(NameOf(labelColumnName, Name), HigherIsBetter);
    }

    /// <summary>As reports and files write it.</summary>
    public string Name { get; }

    /// <summary>Whether greater values are better.</summary>
    public bool HigherIsBetter { get; }

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    internal static string NameOf(string labelColumnName, string name) => $"{labelColumnName}.{name}";

    /// <summary>Whether a value is better than another. What is undefined (NaN) is worse than every number.</summary>
    internal bool IsBetter(double value, double than) =>
        !double.IsNaN(value) && (double.IsNaN(than) || (HigherIsBetter ? value > than : value < than));
}
