namespace MlNetFineTune;

/// <summary>
/// A measure of a model on validation rows, with its name and direction. One metric of the task selects the epoch whose weights are kept
/// (<see cref="FineTuningOptions.Metric"/>); all are in the report.
/// </summary>
public sealed record Metric
{
    private Metric(string name, bool higherIsBetter) => (Name, HigherIsBetter) = (name, higherIsBetter);

    /// <summary>
    /// The mean of the task's loss by the rows' and the classes' weights, without label smoothing. The default of every task: on the few
    /// dozen rows that validation often has, accuracy moves in steps of whole percents and selects by chance.
    /// </summary>
    public static Metric Loss { get; } = new("Loss", higherIsBetter: false);

    /// <summary>Share of the rows that are right, each counted once. 0 to 1.</summary>
    public static Metric Accuracy { get; } = new("Accuracy", higherIsBetter: true);

    /// <summary>Root of the mean squared error, in the unit of the label. 0 or above.</summary>
    public static Metric RootMeanSquaredError { get; } = new("RootMeanSquaredError", higherIsBetter: false);

    /// <summary>The name in reports and files.</summary>
    public string Name { get; }

    /// <summary>Whether greater values are better.</summary>
    public bool HigherIsBetter { get; }

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    internal bool IsBetter(double value, double than) => HigherIsBetter ? value > than : value < than;
}
