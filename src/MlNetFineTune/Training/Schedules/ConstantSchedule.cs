namespace MlNetFineTune.Training;

internal sealed record ConstantSchedule : WarmedUpSchedule
{
    public ConstantSchedule(float warmup)
        : base(warmup)
    {
    }

    public override string ToString() => FormattableString.Invariant($"Constant(warmup: {Warmup})");

    private protected override double AfterWarmup(int step, int steps, ReadOnlySpan<double> validationLosses) => 1;
}
