using Microsoft.ML;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Trainers;

/// <summary>One training whose learning rate rises exponentially (Smith 2015, https://arxiv.org/abs/1506.01186,
/// as fastai's <c>lr_find</c> does it).</summary>
internal static class LearningRateFinder
{
    public static LearningRateSearch Find(MLContext ml, IDataView data, FineTuningOptions options, float lowest, float highest, int steps)
    {
        if (!(lowest > 0 && lowest < highest && float.IsFinite(highest)))
            throw new ArgumentOutOfRangeException(
                nameof(lowest), lowest, $"The lowest learning rate must be above 0 and below the highest, {highest}.");
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 20);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(steps, 10_000);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(options.CancellationToken);
        var sweep = new RateSweep(steps, end);
        var trial = TrialRun.Plain(options) with
        {
            LearningRate = highest,
            Schedule = new SweepSchedule(ExactDouble.Of(lowest) / ExactDouble.Of(highest), steps),
            Epochs = Math.Max(steps + 1, options.Epochs), // each has at least one step; a step is complete when the next begins
        };
        TrialRun.Run(ml, data, trial, sweep, () => sweep.IsOver, end);
        options.CancellationToken.ThrowIfCancellationRequested();
        return LearningRateSearch.Of(sweep.Points, steps);
    }
}
