using MlNetFineTune.MlNet;

namespace MlNetFineTune.Trainers;

/// <summary>Rises from a share of the rate to all of it, by the same factor at each step, and further if the training goes on.</summary>
internal sealed record SweepSchedule(double LowestShare, int SweepSteps) : LearningRateSchedule(warmup: 0)
{
    public override string ToString() => FormattableString.Invariant($"Sweep(lowest: {LowestShare}, steps: {SweepSteps})");

    internal override double FactorAt(int step, int steps, ReadOnlySpan<double> validationLosses) =>
        Math.Pow(LowestShare, 1 - step / (double)(SweepSteps - 1));
}
