using MlNetFineTune.Data;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Training;

/// <summary>Trains a network in place, phase by phase, and restores the weights of its best epoch at the end.</summary>
internal sealed class TrainingLoop : IDisposable
{
    private readonly TrainingRun _run;
    private readonly ProgressMeter _meter;
    private readonly TrainingLog _log;
    private readonly BadRowLog _badRows;
    private readonly BestEpochs _best;
    private readonly StopRequest _stop;
    private readonly EpochInputs _inputs;
    private readonly RunState _state = new();
    private RunCheckpoints? _checkpoints;

    public TrainingLoop(TrainingRun run)
    {
        _run = run;
        var options = run.Options;
        _meter = new ProgressMeter(options.Progress, options.Epochs);
        _log = new TrainingLog(run);
        _badRows = new BadRowLog(options.BadRows, run.Channel);
        _best = new BestEpochs(run.Plan.ChangingTensors(run.Network), options.WeightAveraging.KeptEpochs, run.Metric);
        _stop = new StopRequest(options.StopToken, options.TimeBudget, options.Time);
        _inputs = new EpochInputs(run, _badRows, _meter, _stop.Token);
    }

    /// <exception cref="OperationCanceledException">The cancellation token was cancelled.</exception>
    public TrainingReport Run()
    {
        _log.Begin();
        var options = _run.Options;
        var snapshot = new TrainingSnapshot(_run, _run.Plan.ChangingTensors(_run.Network), _state, _best, _badRows, _meter);
        _checkpoints = RunCheckpoints.Open(options.Checkpoint, () => RunFingerprint.Of(_run), snapshot, _run.Channel);
        if (_checkpoints?.Resume() is { } finished)
            return Report(finished);

        _stop.StartClock(_meter.Elapsed);
        var end = TrainPhases();
        _log.End(end, _best.Epoch, _state.Batches);
        if (end == TrainingReport.EndReason.Diverged)
            DivergenceReport.TakeBestOrThrow(_run, _state, _best.Epoch);
        _best.RestoreBest();
        var isOver = end is TrainingReport.EndReason.Completed or TrainingReport.EndReason.EarlyStopped;
        var result = new FinishedRun(end, isOver ? BestAverage.Try(_run, _state, _best, _inputs, _meter, _log) : null);
        if (isOver)
            _checkpoints?.Finish(result);
        return Report(result);
    }

    /// <summary>
    /// Outputs of the trained network for the validation rows, for calibration, thresholds and the report: from the evaluation of the best
    /// epoch, or of the average. They are computed again, once, only if this process did not run that evaluation.
    /// </summary>
    public Lazy<RowOutputs> Outputs => field ??= new(() =>
    {
        if (_best.Outputs is { } known)
            return known;
        _run.Network.PrepareForScoring();
        return ValidationOutputs.Compute(_run);
    });

    public void Dispose()
    {
        _checkpoints?.Dispose();
        _inputs.Dispose();
        _best.Dispose();
        _stop.Dispose();
    }

    private TrainingReport.EndReason TrainPhases()
    {
        foreach (var planned in _run.Plan.Phases)
        {
            if (PatienceExhausted)
                return TrainingReport.EndReason.EarlyStopped;
            if (_state.Epochs.Count >= planned.LastEpoch)
                continue; // before the checkpoint
            using var phase = new TrainingPhase(planned, _run);
            _checkpoints?.Resume(phase);
            _log.BeginPhase(phase);
            var end = TrainOrSave(phase);
            if (end != TrainingReport.EndReason.Completed)
                return end;
        }
        return PatienceExhausted ? TrainingReport.EndReason.EarlyStopped : TrainingReport.EndReason.Completed;
    }

    // A cancelled or stopped training can be resumed from there.
    private TrainingReport.EndReason TrainOrSave(TrainingPhase phase)
    {
        try
        {
            var end = TrainPhase(phase);
            if (end is TrainingReport.EndReason.Stopped or TrainingReport.EndReason.TimeBudgetSpent)
                _checkpoints?.Save(phase);
            return end;
        }
        catch (OperationCanceledException)
        {
            _checkpoints?.SaveIfPossible(phase);
            throw;
        }
    }

    private TrainingReport.EndReason TrainPhase(TrainingPhase phase)
    {
        _badRows.Epoch = _state.Epochs.Count;
        using var features = _inputs.BeginPhase(phase);
        int[] epochs = [.. Enumerable.Range(_state.Epochs.Count + 1, phase.LastEpoch - _state.Epochs.Count)];
        var inputs = _inputs.OfTraining(phase, features, epochs);
        var trainer = new EpochTrainer(_run, phase, _state, _stop, _meter, _checkpoints);
        var evaluation = new EpochEvaluation(phase, _state, _stop, _best, _inputs.EvaluatorOf(phase, features), _meter);
        phase.Steps = phase.Planned.Epochs * _inputs.InSteps(_inputs.Usable(_run.Data.Training, phase.FirstEpoch)).Steps;
        while (_state.Epochs.Count < phase.LastEpoch)
        {
            if (_stop.IsDue)
                return _stop.End;
            var epoch = _badRows.Epoch = _state.Epochs.Count + 1;
            if (_state.BatchesOfEpoch == 0)
                _state.EpochBegan = _meter.Elapsed;
            if ((trainer.Train(epoch, _inputs.OrderOf(epoch), inputs) ?? evaluation.Evaluate(epoch)) is { } end)
                return end;
            EndEpoch(phase, evaluation);
            if (PatienceExhausted)
                return TrainingReport.EndReason.EarlyStopped;
        }
        return TrainingReport.EndReason.Completed;
    }

    private void EndEpoch(TrainingPhase phase, EpochEvaluation evaluation)
    {
        _state.EndEpoch(evaluation.Report);
        _checkpoints?.AfterEpoch(phase, evaluation.Report.Epoch);
        _log.EndEpoch(evaluation.Report, evaluation.IsBest);
        _meter.EndEpoch(evaluation.Report.Loss);
        _run.Options.Observer?.AfterEpoch(_state.Epochs, _state.Batches);
    }

    // Phases before the last one have the length given by the strategy.
    private bool PatienceExhausted => StopRequest.Agree(
        _state.Epochs.Count - Math.Max(_best.Epoch, _run.Plan.Phases[^1].FirstEpoch - 1) >= _run.Options.EarlyStoppingPatience);

    private TrainingReport Report(FinishedRun finished) =>
        TrainingReports.Of(_run, finished, _state, _best.Epoch, _inputs, _meter, _checkpoints?.Resumed);
}
