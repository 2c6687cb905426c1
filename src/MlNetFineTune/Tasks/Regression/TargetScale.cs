namespace MlNetFineTune.Tasks;

/// <summary>Standardisation of one output of a regression: (label - mean) / deviation.</summary>
internal sealed record TargetScale
{
    /// <param name="mean">Mean in units of the label. Finite.</param>
    /// <param name="deviation">Standard deviation in units of the label. Finite, above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of range.</exception>
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
