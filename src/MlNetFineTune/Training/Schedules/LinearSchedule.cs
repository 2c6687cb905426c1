namespace MlNetFineTune.Training;

internal sealed record LinearSchedule : WarmedUpSchedule
{
    public LinearSchedule(float warmup)
        : base(warmup)
    {
    }

    public override string ToString() => FormattableString.Invariant($"Linear(warmup: {Warmup})");

    private protected override double AfterWarmup(int step, int steps, ReadOnlySpan<double> validationLosses) => 1 - step / (double)steps;
}
