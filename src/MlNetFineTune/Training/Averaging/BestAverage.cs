using MlNetFineTune.Tasks;

namespace MlNetFineTune.Training;

/// <summary>
/// Weighted averages of the stored epochs' weights at the end of the training: see <see cref="WeightAveraging.BestCheckpoints"/> and
/// <see cref="WeightAveraging.WiseFt"/>.
/// </summary>
internal static class BestAverage
{
    /// <summary>
    /// Sets the network's weights to the best of the requested averages if it is better on validation than the best epoch.
    /// </summary>
    /// <returns>Null if the best epoch is used.</returns>
    public static TrainingReport.AveragedEpochs? Try(
        TrainingRun run, RunState state, BestEpochs best, EpochInputs inputs, StopRequest stop, TrainingLog log)
    {
        int[] epochs = [.. best.Kept.Select(kept => kept.Epoch).Order()];
        if (run.Options.WeightAveraging.SharesOf(epochs.Length).ToList() is not [_, ..] candidates)
            return null;
        var (network, frozen) = (run.Network, run.Plan.FrozenStages);
        network.Freeze(frozen);
        using var encoder = FrozenEncoder.Of(run, frozen);
        var evaluator = inputs.EvaluatorOf(frozen, encoder);
        var (chosen, evaluationToBeat) = ((TrainingReport.AveragedEpochs?)null, best.Evaluation);
        foreach (var shares in candidates)
        {
            best.RestoreAverage(shares);
            if (evaluator.Evaluate(state.Epochs.Count, stop) is not { } evaluation)
                break; // the training shall end now: the best so far is the model
            var average = new TrainingReport.AveragedEpochs(epochs, evaluation.Loss) { Shares = shares, Metrics = evaluation.Metrics };
            var isBest = evaluation.IsBetterThan(evaluationToBeat, run.Metric);
            if (isBest)
                (chosen, evaluationToBeat, best.Outputs) = (average, evaluation, evaluator.Outputs);
            log.Average(average, isBest);
        }
        if (chosen is null)
            best.RestoreBest();
        else
            best.RestoreAverage(chosen.Shares);
        return chosen;
    }
}
