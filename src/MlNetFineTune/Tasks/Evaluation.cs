namespace MlNetFineTune.Tasks;

/// <summary>How good a network is on a part of the rows, each counted once.</summary>
/// <param name="Loss">Mean by the rows' and the classes' weights, without label smoothing.</param>
internal sealed record Evaluation(double Loss)
{
    /// <summary>Share of the rows that are right; null where there are no classes.</summary>
    public double? Accuracy { get; init; }

    /// <summary>Root of the mean squared error; null where there are classes.</summary>
    public double? RootMeanSquaredError { get; init; }

    /// <summary>Less loss. On the few dozen rows that validation often has, accuracy moves in steps of whole percents and picks by luck.</summary>
    public bool IsBetterThan(Evaluation? other) => other is null || Loss < other.Loss;
}
