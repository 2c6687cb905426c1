using MlNetFineTune.Data;

namespace MlNetFineTune.Training;

/// <summary>All observers of a training: that of the options, checkpoints, log, progress, and the record of bad rows.</summary>
internal sealed class RunObservers(TrainingRun run, RunState state, BadRowLog badRows, ProgressMeter meter, TrainingLog log)
{
    /// <summary>Null if no checkpoints are written.</summary>
    public RunCheckpoints? Checkpoints { get; set; }

    /// <param name="phase">The phase that begins or is resumed.</param>
    public void BeginPhase(TrainingPhase phase)
    {
        log.BeginPhase(phase);
        badRows.Epoch = state.Epochs.Count;
    }

    /// <param name="epoch">The epoch that begins or is resumed.</param>
    /// <param name="order">Batches of the epoch.</param>
    public void BeginEpoch(int epoch, EpochOrder order)
    {
        badRows.Epoch = epoch;
        if (state.BatchesOfEpoch == 0)
            state.EpochBegan = meter.Elapsed;
        meter.Begin(TrainingActivity.Training, epoch, order.Batches.Skip(state.BatchesOfEpoch).Sum(batch => batch.Length));
    }

    /// <summary>After divergence only the observer of the options is notified; no checkpoint is written.</summary>
    /// <param name="phase">The current phase.</param>
    /// <param name="batch">The batch, already counted in the state.</param>
    /// <param name="loss">Mean loss of its rows.</param>
    /// <param name="learningRate">Learning rate of the head.</param>
    public void AfterBatch(TrainingPhase phase, StepInput batch, double loss, double learningRate)
    {
        Observer?.AfterStep(state.Batches, batch.BatchRows.Length, loss, learningRate);
        if (state.Divergence is not null)
            return;
        if (!phase.HasPending)
            Checkpoints?.AfterStep(phase);
        meter.Advance(batch.BatchRows.Length, state.MeanLoss, phase.LargestScale * learningRate);
    }

    /// <param name="phase">The current phase.</param>
    /// <param name="evaluation">The evaluation of the epoch, already counted in the state.</param>
    public void AfterEpoch(TrainingPhase phase, EpochEvaluation evaluation)
    {
        var report = evaluation.Report;
        Checkpoints?.AfterEpoch(phase, report.Epoch);
        log.EndEpoch(report, evaluation.IsBest);
        meter.EndEpoch(report.Loss);
        Observer?.AfterEpoch(state.Epochs, state.Batches);
    }

    private ITrainingObserver? Observer => run.Processes.IsFirst ? run.Options.Observer : null;
}
