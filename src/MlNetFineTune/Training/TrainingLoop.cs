using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>Trains a network in place and leaves it with the weights of its best epoch.</summary>
internal sealed class TrainingLoop : IDisposable
{
    private readonly TrainingRun _run;
    private readonly ProgressMeter _meter;
    private readonly TrainingLog _log;
    private readonly BadRowLog _badRows;
    private readonly BestEpochs _best;
    private readonly StopRequest _stop;
    private readonly SingleRowBatches _singleRows;
    private readonly EpochInputs _inputs;
    private RunCheckpoints? _checkpoints;
    private string? _divergence;

    public TrainingLoop(TrainingRun run)
    {
        _run = run;
        var options = run.Options;
        _meter = new ProgressMeter(options.Progress, options.Epochs);
        _log = new TrainingLog(run);
        _badRows = new BadRowLog(options.BadRows, run.Channel);
        _best = new BestEpochs(run.Plan.ChangingTensors(run.Network), options.WeightAveraging.KeptEpochs, run.Metric);
        _stop = new StopRequest(options.StopToken, options.TimeBudget, options.Time);
        _singleRows = new SingleRowBatches(run);
        _inputs = new EpochInputs(run, _badRows, _meter, _stop.Token);
    }

    /// <summary>Where the training is.</summary>
    public RunState State { get; } = new();

    /// <exception cref="OperationCanceledException">The cancellation token asked for it.</exception>
    public TrainingReport Run()
    {
        _log.Begin();
        var (options, plan) = (_run.Options, _run.Plan);
        var snapshot = new TrainingSnapshot(_run, plan.ChangingTensors(_run.Network), State, _best, _badRows, _meter);
        _checkpoints = RunCheckpoints.Open(options.Checkpoint, () => RunFingerprint.Of(_run), snapshot, _run.Channel);
        if (_checkpoints?.Resume() is { } finished)
            return Report(finished);

        _stop.StartClock(_meter.Elapsed);
        var end = TrainPhases();
        _log.End(end, _best.Epoch, State.Batches);
        if (end == TrainingReport.EndReason.Diverged)
            DivergenceReport.TakeBestOrThrow(_run, State, _best.Epoch, _divergence!);
        _best.RestoreBest();
        var isOver = end is TrainingReport.EndReason.Completed or TrainingReport.EndReason.EarlyStopped;
        var result = new FinishedRun(end, isOver ? BestAverage.Try(_run, State, _best, _inputs, _meter, _log) : null);
        if (isOver)
            _checkpoints?.Finish(result);
        return Report(result);
    }

    /// <summary>
    /// What the finished network gives for the validation rows, for whoever judges it by them: from the evaluation of the best epoch, or of
    /// the average. They are read and scored anew only if this process has not seen that evaluation, and then once.
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
            if (State.Epochs.Count >= planned.LastEpoch)
                continue; // before the checkpoint
            using var phase = new TrainingPart(planned, _run);
            _checkpoints?.Resume(phase);
            _log.BeginPart(phase);
            var end = TrainOrSave(phase);
            if (end != TrainingReport.EndReason.Completed)
                return end;
        }
        return PatienceExhausted ? TrainingReport.EndReason.EarlyStopped : TrainingReport.EndReason.Completed;
    }

    // What is cancelled or stopped can go on from there.
    private TrainingReport.EndReason TrainOrSave(TrainingPart phase)
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

    private TrainingReport.EndReason TrainPhase(TrainingPart phase)
    {
        _badRows.Epoch = State.Epochs.Count;
        using var features = _inputs.BeginPhase(phase);
        int[] epochs = [.. Enumerable.Range(State.Epochs.Count + 1, phase.LastEpoch - State.Epochs.Count)];
        var inputs = _inputs.OfTraining(phase, features, epochs);
        var evaluator = _inputs.EvaluatorOf(phase, features);
        phase.Steps = phase.Planned.Epochs * _inputs.InSteps(_inputs.Usable(_run.Data.Training, phase.FirstEpoch)).Steps;
        while (State.Epochs.Count < phase.LastEpoch)
        {
            if (_stop.Token.IsCancellationRequested)
                return _stop.End;
            var epoch = _badRows.Epoch = State.Epochs.Count + 1;
            if (State.BatchesOfEpoch == 0)
                State.EpochBegan = _meter.Elapsed;
            if ((TrainEpoch(phase, epoch, _inputs.Shuffled(epoch), inputs) ?? EvaluateEpoch(phase, epoch, evaluator)) is { } end)
                return end;
            if (PatienceExhausted)
                return TrainingReport.EndReason.EarlyStopped;
        }
        return TrainingReport.EndReason.Completed;
    }

    /// <summary>Goes on where the state says.</summary>
    /// <returns>Null if the epoch is complete.</returns>
    internal TrainingReport.EndReason? TrainEpoch(TrainingPart phase, int epoch, EpochOrder order, StepInputs inputs)
    {
        _run.Data.RequireReadable(order.Batches.Length);
        _run.Network.BeginTraining(phase.FrozenStages, phase.Planned.BatchNorm);
        _meter.Begin(TrainingActivity.Training, epoch, order.Batches.Skip(State.BatchesOfEpoch).Sum(batch => batch.Length));
        foreach (var input in inputs.Read(order.Batches, epoch, State.BatchesOfEpoch))
        {
            using (input)
            {
                _run.CheckAlive();
                if (_stop.Token.IsCancellationRequested)
                    return _stop.End;
                if (_singleRows.MustLeaveOut(input, phase, epoch, order, State.Batches))
                    continue;
                // A step whose last batch had no row that could be read is due now.
                if (phase.HasPending && order.StepOf[State.BatchesOfEpoch - 1] != order.StepOf[input.Batch])
                    phase.OptimizerStep(LearningRateAt(phase, phase.Step));

                var learningRate = LearningRateAt(phase, phase.Step);
                var loss = Step(phase, input, order.EndsStep(input.Batch) ? learningRate : null);
                State.Add(loss, input.Rows.Length, batchesOfEpoch: input.Batch + 1);
                _run.Options.Observer?.AfterStep(State.Batches, input.Rows.Length, loss, learningRate);
                _divergence = State.Losses.Judge(loss, _run.Options.OnDivergence.SpikeFactor);
                if (_divergence is not null)
                    return TrainingReport.EndReason.Diverged;
                if (!phase.HasPending)
                    _checkpoints?.AfterStep(phase);
                _meter.Advance(input.Rows.Length, State.MeanLoss, phase.LargestScale * learningRate);
            }
        }
        if (phase.HasPending)
            phase.OptimizerStep(LearningRateAt(phase, phase.Step));
        _singleRows.RequireProgress(State, epoch);
        State.BatchesOfEpoch = order.Batches.Length;
        return null;
    }

    /// <summary>Forward, loss, backward, optimizer step.</summary>
    /// <param name="phase">What trains.</param>
    /// <param name="input">A batch.</param>
    /// <param name="learningRate">Null if more batches come before the optimizer's step.</param>
    /// <returns>The batch's mean loss.</returns>
    private double Step(TrainingPart phase, StepInput input, double? learningRate)
    {
        using var scope = NewDisposeScope();
        var (network, objective) = (_run.Network, _run.Objective);
        var targets = objective.TargetsOf(_run.Data.Training, input.Rows, input.Mix, network.Device)
            with
        { TeacherLogits = input.TeacherLogits }; // [N]
        var outputs = phase.Forward(input.Inputs, State.Batches); // [N, outputs]
        var loss = objective.Loss(outputs, targets);
        if (!loss.requires_grad)
        {
            throw new InvalidOperationException(
                $"Nothing that trains in {network.Name} reaches its output: it detaches its result, or computes without its parameters.");
        }
        phase.Backward(loss, () => objective.CountOf(targets));
        if (learningRate is { } rate)
            phase.OptimizerStep(rate);
        return loss.item<float>(); // waits for the device
    }

    /// <summary>Validates, with the average of the weights where one is kept, and keeps what is best.</summary>
    private TrainingReport.EndReason? EvaluateEpoch(TrainingPart phase, int epoch, Evaluator? evaluator)
    {
        TrainingReport.EpochReport report;
        bool isBest;
        using (phase.Average?.InPlaceOfWeights())
        {
            var evaluation = evaluator?.Evaluate(epoch, _stop.Token);
            if (evaluator is not null && evaluation is null)
                return _stop.End;
            _divergence = evaluation is { Loss: var loss }
                ? (double.IsFinite(loss) ? null : FormattableString.Invariant($"the validation loss is {loss}"))
                : _best.LiveIsFinite() ? null : "the weights are no longer numbers";
            if (_divergence is not null)
                return TrainingReport.EndReason.Diverged;
            isBest = _best.Offer(epoch, evaluation);
            if (isBest)
                _best.Outputs = evaluator?.Outputs;
            _meter.Validation = evaluation;
            report = new TrainingReport.EpochReport(
                epoch, State.MeanLoss, evaluation?.Loss, phase.LargestScale * LearningRateAt(phase, phase.Step - 1),
                (_meter.Elapsed - State.EpochBegan).TotalSeconds);
            if (evaluation is not null)
                report = report with { Metrics = evaluation.Metrics };
        }
        State.EndEpoch(report);
        _checkpoints?.AfterEpoch(phase, epoch);
        _log.EndEpoch(report, isBest);
        _meter.EndEpoch(report.Loss);
        _run.Options.Observer?.AfterEpoch(State.Epochs, State.Batches);
        return null;
    }

    // Phases before the last one are as long as the strategy says.
    private bool PatienceExhausted =>
        State.Epochs.Count - Math.Max(_best.Epoch, _run.Plan.Phases[^1].FirstEpoch - 1) >= _run.Options.EarlyStoppingPatience;

    // In a step of the phase, before the factors of its parameters.
    private double LearningRateAt(TrainingPart phase, int step)
    {
        var losses = State.Epochs.Skip(phase.FirstEpoch - 1).Select(epoch => epoch.ValidationLoss).OfType<double>();
        var factor = _run.Options.Schedule.FactorAt(Math.Min(step, phase.Steps), phase.Steps, [.. losses]);
        return ExactDouble.Of(_run.Options.LearningRate) * factor;
    }

    private TrainingReport Report(FinishedRun finished) =>
        TrainingReports.Of(_run, finished, State, _best.Epoch, _inputs, _meter, _checkpoints?.Resumed);
}
