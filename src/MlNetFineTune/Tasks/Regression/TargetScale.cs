namespace MlNetFineTune.Tasks;

/// <summary>How one output of a regression is standardised: (label - mean) / deviation.</summary>
internal sealed record TargetScale
{
    /// <param name="mean">Finite, in units of the label.</param>
    /// <param name="deviation">Finite and above 0, in units of the label.</param>
    /// <exception cref="ArgumentOutOfRangeException">One of them is out of its range.</exception>
    public TargetScale(double mean, double deviation)
    {
        Mean = double.IsFinite(mean)
            ? mean
            : throw new ArgumentOutOfRangeException(nameof(mean), mean, "The mean of the targets must be a finite number.");
        Deviation = deviation > 0 && double.IsFinite(deviation)
            ? deviation
            : throw new ArgumentOutOfRangeException(nameof(deviation), deviation, "The deviation of the targets must be above 0.");
    }

    public double Mean { get; }

    public double Deviation { get; }

    public static TargetScale Identity { get; } = new(0, 1);

    public double Standardize(double label) => (label - Mean) / Deviation;

    public double Restore(double output) => Mean + Deviation * output;
}
