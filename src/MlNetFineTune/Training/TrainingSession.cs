using System.Text.Json;
using MlNetFineTune.Data;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Training;

/// <summary>
/// A training from its checkpoint to its report: trains a network in place, phase by phase, and finally sets the weights of the best epoch
/// or average.
/// </summary>
internal sealed class TrainingSession : IDisposable
{
    private readonly TrainingRun _run;
    private readonly ProgressMeter _meter;
    private readonly TrainingLog _log;
    private readonly BadRowLog _badRows;
    private readonly BestEpochs _best;
    private readonly StopRequest _stop;
    private readonly EpochInputs _inputs;
    private readonly EpochEvaluation _evaluation;
    private readonly RunObservers _observers;
    private readonly RunState _state = new();

    public TrainingSession(TrainingRun run)
    {
        _run = run;
        var options = run.Options;
        _meter = new ProgressMeter(run.Processes.IsFirst ? options.Progress : null, options.Epochs);
        _log = new TrainingLog(run);
        _badRows = new BadRowLog(options.BadRows, run.Channel);
        _best = new BestEpochs(run.Plan.ChangingTensors(run.Network), options.WeightAveraging.KeptEpochs, run.Metric,
            split: options.WeightAveraging.KeepsFirstPhase ? run.Plan.Phases[0].LastEpoch : 0);
        _stop = new StopRequest(options.StopToken, options.TimeBudget, options.Time, run.Processes);
        _inputs = new EpochInputs(run, _badRows, _meter, _stop);
        _evaluation = new EpochEvaluation(run, _state, _stop, _best, _meter);
        _observers = new RunObservers(run, _state, _badRows, _meter, _log);
    }

    /// <exception cref="OperationCanceledException">The cancellation token was cancelled.</exception>
    /// <exception cref="ProcessGroupException">Another process has ended, does not answer, or trains something else.</exception>
    public TrainingReport Run()
    {
        _log.Begin();
        var options = _run.Options;
        var snapshot = new TrainingSnapshot(_run, _run.Plan.ChangingTensors(_run.Network), _state, _best, _badRows, _meter);
        var fingerprint = new Lazy<SortedDictionary<string, JsonElement>>(() => RunFingerprint.Of(_run));
        _observers.Checkpoints = RunCheckpoints.Open(options.Checkpoint, Fingerprint, snapshot, _run.Channel, _run.Processes);
        _run.Guard.Begin(() => CommonFacts.Of(_run, fingerprint.Value));
        AgreeOnArithmetic();
        if (Checkpoints?.Resume() is { } finished)
            return Report(finished);

        if (!options.Augmentation.IsNone && _run.Plan.Phases.Any(phase => phase.Augments && phase.LastEpoch > _state.Epochs.Count))
            _run.Data.Training.Source.Inputs.OpenForAugmentation();
        _stop.StartClock(_meter.Elapsed);
        var end = TrainPhases();
        _log.End(end, _best.Epoch, _state.Batches);
        if (end == TrainingReport.EndReason.Diverged)
            AgreedFailure.In(() => DivergenceReport.TakeBestOrThrow(_run, _state, _best.Epoch));
        _best.RestoreBest();
        var isOver = end is TrainingReport.EndReason.Completed or TrainingReport.EndReason.EarlyStopped;
        var result = new FinishedRun(end, isOver ? BestAverage.Try(_run, _state, _best, _inputs, _stop, _log) : null);
        if (isOver)
            Checkpoints?.Finish(result);
        return Report(result);

        SortedDictionary<string, JsonElement> Fingerprint()
        {
            // Precision.Auto is measured: its choice is part of the training, but need not be the same in all processes before they agree.
            fingerprint.Value["Computes in bfloat16"] = CanonicalJson.ElementOf(_run.Network.UsesBFloat16);
            return fingerprint.Value;
        }
    }

    private void AgreeOnArithmetic()
    {
        _run.Processes.ComputesOn(_run.Network.Device);
        _run.Network.UsesBFloat16 = _run.Processes.OfFirst(_run.Network.UsesBFloat16 ? 1 : 0) > 0;
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
        return NetworkPass.Run(_run, _run.Data.Validation, withFeatures: false).Outputs;
    });

    public void Dispose()
    {
        Checkpoints?.Dispose();
        _inputs.Dispose();
        _best.Dispose();
        _stop.Dispose();
    }

    private RunCheckpoints? Checkpoints => _observers.Checkpoints;

    private TrainingReport.EndReason TrainPhases()
    {
        foreach (var planned in _run.Plan.Phases)
        {
            if (_evaluation.PatienceExhausted)
                return TrainingReport.EndReason.EarlyStopped;
            if (_state.Epochs.Count >= planned.LastEpoch)
                continue; // completed before the checkpoint
            if (_state.IsAtStartOf(planned) && planned.TrainsPairs != _run.Plan.Phases[0].TrainsPairs)
                _state.Losses = new LossWatch(); // losses of pairs and of the task cannot be compared
            using var phase = new TrainingPhase(planned, _run);
            Checkpoints?.Resume(phase);
            _state.MarkStep(phase.HasPending);
            _observers.BeginPhase(phase);
            if (TrainOrSave(phase) is { } end)
                return end;
        }
        return _evaluation.PatienceExhausted ? TrainingReport.EndReason.EarlyStopped : TrainingReport.EndReason.Completed;
    }

    // A cancelled or stopped training can be resumed from there.
    private TrainingReport.EndReason? TrainOrSave(TrainingPhase phase)
    {
        try
        {
            var end = Train(phase);
            if (end is TrainingReport.EndReason.Stopped or TrainingReport.EndReason.TimeBudgetSpent)
                Checkpoints?.Save(phase);
            return end;
        }
        catch (OperationCanceledException e) when (!_run.Processes.IsSeveral || AgreedFailure.Is(e))
        {
            Checkpoints?.SaveIfPossible(phase);
            throw;
        }
        catch (ProcessGroupException e) when (!AgreedFailure.Is(e) && _state.IsAtStep)
        {
            // Another process has ended within a step: the weights are still those of the step before.
            phase.DropPending();
            Checkpoints?.SaveIfPossible(phase);
            throw;
        }
    }

    private TrainingReport.EndReason? Train(TrainingPhase phase)
    {
        int[] epochs = [.. Enumerable.Range(_state.Epochs.Count + 1, phase.LastEpoch - _state.Epochs.Count)];
        using var features = _inputs.FeaturesOf(phase);
        var inputs = _inputs.Of(phase, features, epochs);
        phase.Steps = AgreedFailure.In(() => _inputs.StepsOf(phase, inputs));
        return new TrainingLoop(_run, phase, _state, _stop, _observers).Train(_inputs, inputs, _evaluation);
    }

    private TrainingReport Report(FinishedRun finished) =>
        TrainingReports.Of(_run, finished, _state, _best.Epoch, _inputs, _meter, Checkpoints?.Resumed);
}
