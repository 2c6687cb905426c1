using MlNetFineTune.Tasks;

namespace MlNetFineTune.Training;

/// <summary>The uniform average of the best epochs' weights: see <see cref="WeightAveraging.BestCheckpoints"/>.</summary>
internal static class BestAverage
{
    /// <summary>Sets the network's weights to the average, if requested and better on validation than the best epoch.</summary>
    /// <returns>Null if the best epoch is used.</returns>
    public static TrainingReport.AveragedEpochs? Try(
        TrainingRun run, RunState state, BestEpochs best, EpochInputs inputs, ProgressMeter meter, TrainingLog log)
    {
        if (run.Options.WeightAveraging is not WeightAveraging.BestAveraging || best.Kept.Count < 2)
            return null;
        var (network, frozen) = (run.Network, run.Plan.FrozenStages);
        network.Freeze(frozen);
        using var encoder = new FrozenEncoder(network, run.Input, network.RunsAlone(frozen) ? frozen : 0, run.Seed, run.Options.Workers);
        best.RestoreAverage();
        var evaluator = inputs.EvaluatorOf(frozen, encoder);
        var evaluation = evaluator.Evaluate(state.Epochs.Count)!;
        int[] epochs = [.. best.Kept.Select(kept => kept.Epoch).Order()];
        var averaged = evaluation.IsBetterThan(best.Evaluation, run.Metric)
            ? new TrainingReport.AveragedEpochs(epochs, evaluation.Loss) { Metrics = evaluation.Metrics }
            : null;
        if (averaged is null)
            best.RestoreBest();
        else
            best.Outputs = evaluator.Outputs;
        log.Average(averaged, evaluation, epochs);
        return averaged;
    }
}
