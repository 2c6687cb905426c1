namespace MlNetFineTune.Training;

/// <summary>Judges the weights at the end of an epoch, by the average of them where one is kept, and keeps what is best.</summary>
internal sealed class EpochEvaluation(TrainingRun run, RunState state, StopRequest stop, BestEpochs best, ProgressMeter meter)
{
    /// <summary>The epoch that was evaluated last.</summary>
    public TrainingReport.EpochReport Report { get; private set; } = null!;

    /// <summary>Whether this epoch is the best so far.</summary>
    public bool IsBest { get; private set; }

    /// <summary>Whether the training shall end because its epochs have not got better for too long.</summary>
    public bool PatienceExhausted => run.IsPatienceExhausted(state.Epochs.Count, best.Epoch);

    /// <param name="epoch">From 1.</param>
    /// <param name="phase">The phase that trained.</param>
    /// <param name="evaluator">Evaluates on the validation rows; null where there are none.</param>
    /// <returns>Why the training ends; null if it goes on.</returns>
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
            if (StopRequest.Agree(state.Divergence is not null))
                return TrainingReport.EndReason.Diverged;
            IsBest = best.Offer(epoch, evaluation);
            if (IsBest)
                best.Outputs = evaluator?.Outputs;
            meter.Validation = evaluation;
            Report = new TrainingReport.EpochReport(
                epoch, state.MeanLoss, evaluation?.Loss, phase.LargestScale * phase.LearningRateAt(phase.Step - 1, state.Epochs),
                (meter.Elapsed - state.EpochBegan).TotalSeconds);
            if (evaluation is not null)
                Report = Report with { Metrics = evaluation.Metrics };
        }
        return null;
    }
}
