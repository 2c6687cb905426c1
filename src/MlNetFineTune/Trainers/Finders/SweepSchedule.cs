using MlNetFineTune.MlNet;

namespace MlNetFineTune.Trainers;

/// <summary>Rises exponentially from a fraction of the rate to the full rate, and further if the training continues.</summary>
internal sealed record SweepSchedule(double LowestShare, int SweepSteps) : LearningRateSchedule(warmup: 0)
{
    public override string ToString() => FormattableString.Invariant($"Sweep(lowest: {LowestShare}, steps: {SweepSteps})");

    internal override double FactorAt(int step, int steps, ReadOnlySpan<double> validationLosses) =>
        Math.Pow(LowestShare, 1 - step / (double)(SweepSteps - 1));
}
