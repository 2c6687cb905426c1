namespace MlNetFineTune.Training;

/// <summary>Evaluates the weights (or their average) at the end of an epoch, and stores the best.</summary>
internal sealed class EpochEvaluation(TrainingRun run, RunState state, StopRequest stop, BestEpochs best, ProgressMeter meter)
{
    /// <summary>The epoch that was evaluated last.</summary>
    public TrainingReport.EpochReport Report { get; private set; } = null!;

    /// <summary>Whether this epoch is the best so far.</summary>
    public bool IsBest { get; private set; }

    /// <summary>Whether early stopping ends the training, because recent epochs did not improve.</summary>
    public bool PatienceExhausted => run.IsPatienceExhausted(state.Epochs.Count, best.Epoch);

    /// <param name="epoch">The epoch, from 1.</param>
    /// <param name="phase">The phase of the epoch.</param>
    /// <param name="evaluator">Evaluates on the validation rows; null if there are none.</param>
    /// <returns>The reason why the training ends; null if it continues.</returns>
    public TrainingReport.EndReason? Evaluate(int epoch, TrainingPhase phase, Evaluator? evaluator)
    {
        using (phase.Average?.InPlaceOfWeights())
        {
            var evaluation = evaluator?.Evaluate(epoch, stop);
            if (evaluator is not null && evaluation is null)
                return stop.End;
            state.Divergence = evaluation is { Loss: var loss }
                ? (double.IsFinite(loss) ? null : FormattableString.Invariant($"the validation loss is {loss}"))
                : best.LiveIsFinite() ? null : "the weights are no longer numbers";
            if (state.Divergence is not null)
                return TrainingReport.EndReason.Diverged;
            IsBest = !phase.Planned.TrainsPairs && best.Offer(epoch, evaluation); // after pairs there is no trained head yet
            if (IsBest)
                best.Outputs = evaluator?.Outputs;
            meter.Validation = evaluation;
            Report = new TrainingReport.EpochReport(
                epoch, state.MeanLoss, evaluation?.Loss, phase.LargestScale * phase.LearningRateAt(phase.Step - 1, state.Epochs),
                run.Processes.OfFirst((meter.Elapsed - state.EpochBegan).TotalSeconds));
            if (evaluation is not null)
                Report = Report with { Metrics = evaluation.Metrics };
        }
        return null;
    }
}
