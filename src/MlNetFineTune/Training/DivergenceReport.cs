using System.Globalization;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Training;

/// <summary>The end of a training that diverged.</summary>
internal static class DivergenceReport
{
    /// <exception cref="InvalidOperationException"><see cref="Divergence.Throw"/> applies, or no epoch was complete.</exception>
    public static void TakeBestOrThrow(TrainingRun run, RunState state, int bestEpoch)
    {
        var what = $"The training diverged in step {state.Batches} (epoch {state.Epochs.Count + 1}): {state.Divergence}.";
        var lastGood = state.Epochs is [.., var last]
            ? $"The last good epoch was {last.Epoch}: {TrainingLog.Metrics(last)}."
            : "No epoch was complete.";
        if (run.Options.OnDivergence is not Divergence.ReturnBestOnDivergence || bestEpoch == 0)
        {
            throw new InvalidOperationException(
                string.Create(CultureInfo.InvariantCulture, $"{what} {lastGood} Lower the learning rate ({run.Options.LearningRate}), "
                    + $"lengthen the warm-up of the ")
                + "schedule, or set GradientClipping. "
                + "OnDivergence = Divergence.ReturnBest() gives the best epoch instead, if one is complete.");
        }
        run.Channel.Warning($"{what} {lastGood} The model is that of epoch {bestEpoch}.");
    }
}
