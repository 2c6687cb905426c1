namespace MlNetFineTune.Training;

internal sealed record CosineSchedule : WarmedUpSchedule
{
    public CosineSchedule(float warmup)
        : base(warmup)
    {
    }

    public override string ToString() => FormattableString.Invariant($"Cosine(warmup: {Warmup})");

    /// <summary>(1 + cos(pi step / steps)) / 2.</summary>
    private protected override double AfterWarmup(int step, int steps, ReadOnlySpan<double> validationLosses) =>
        0.5 * (1 + Math.Cos(Math.PI * step / steps));
}
