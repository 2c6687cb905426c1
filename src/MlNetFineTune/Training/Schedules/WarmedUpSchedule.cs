namespace MlNetFineTune.Training;

/// <summary>A schedule with a linear warm-up before it: 1/w, 2/w, ... 1.</summary>
internal abstract record WarmedUpSchedule : LearningRateSchedule
{
    private protected WarmedUpSchedule(float warmup)
        : base(warmup)
    {
    }

    internal sealed override double FactorAt(int step, int steps, params ReadOnlySpan<double> validationLosses)
    {
        var warmup = (int)Math.Round(WarmupOf(steps));
        return step < warmup ? (step + 1.0) / warmup : AfterWarmup(step - warmup, Math.Max(steps - warmup, 1), validationLosses);
    }

    /// <param name="step">Index of the step after the warm-up, from 0.</param>
    /// <param name="steps">Number of steps after the warm-up, at least 1.</param>
    /// <param name="validationLosses">Validation losses of all epochs so far.</param>
    private protected abstract double AfterWarmup(int step, int steps, ReadOnlySpan<double> validationLosses);
}
