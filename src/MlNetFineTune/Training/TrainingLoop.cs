using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>Trains a network in place and leaves it with the weights of its best epoch.</summary>
internal sealed class TrainingLoop(TrainableNetwork network, Objective objective, TrainingPlan plan, TrainingData data, FineTuningOptions options, long seed, IHost host, IChannel channel, Teacher? teacher = null) : IDisposable
{
    private readonly ProgressMeter _meter = new(options.Progress, options.Epochs);
    private readonly TrainingLog _log = new(network, plan, data, options, seed, channel);
    private readonly BadRowLog _badRows = new(options.BadRows, channel);
    private readonly BestEpochs _best = new(plan.ChangingTensors(network), options.WeightAveraging.KeptEpochs);
    private readonly StopRequest _stop = new(options.StopToken, options.TimeBudget, options.Time);
    private RunCheckpoints? _checkpoints;
    private Lessons? _lessons;
    private string? _divergence;
    private bool _saidLeftOut;

    public RunState State { get; } = new();

    /// <exception cref="OperationCanceledException">The cancellation token asked for it.</exception>
    public TrainingReport Run()
    {
        _log.Begin();
        var contents = new RunContents(network, plan.ChangingTensors(network), State, _best, _badRows, data, _meter);
        _checkpoints = RunCheckpoints.Open(
            options.Checkpoint, () => RunFingerprint.Of(network, plan, data, options, seed, teacher), contents, channel);
        if (_checkpoints?.Resume() is { } finished)
            return Report(finished);
        _stop.StartClock(_meter.Elapsed);
        _lessons = BeginLessons();

        var end = TrainParts();
        _log.End(end, _best.Epoch, State.Batches);
        if (end == TrainingReport.EndReason.Diverged)
            TakeBestOrThrow();
        _best.PutBack();
        var isOver = end is TrainingReport.EndReason.Completed or TrainingReport.EndReason.EarlyStopped;
        var result = new FinishedRun(end, isOver ? TryAverage() : null);
        if (isOver)
            _checkpoints?.Finish(result);
        return Report(result);
    }

    /// <summary>
    /// What the finished network gives for the validation rows, for whoever judges it by them: from the evaluation of the best epoch, or of
    /// the average. They are read and scored anew only if this process has not seen that evaluation, and then once.
    /// </summary>
    public Lazy<RowOutputs> ValidationOutputs => field ??= new(() =>
    {
        if (_best.Outputs is { } known)
            return known;
        network.PrepareForScoring();
        return RowOutputs.Compute(network, data.Validation, options, seed, CheckAlive);
    });

    public void Dispose()
    {
        _checkpoints?.Dispose();
        _lessons?.Dispose();
        _best.Dispose();
        _stop.Dispose();
    }

    private TrainingReport.EndReason TrainParts()
    {
        foreach (var planned in plan.Parts)
        {
            var firstEpoch = plan.EpochsBefore(planned) + 1;
            if (IsStuck)
                return TrainingReport.EndReason.EarlyStopped;
            if (State.Epochs.Count >= firstEpoch + planned.Epochs - 1)
                continue; // before the checkpoint
            using var part = new TrainingPart(planned, firstEpoch, network, options, seed);
            _checkpoints?.Resume(part);
            _log.BeginPart(part);
            var end = TrainOrSave(part);
            if (end != TrainingReport.EndReason.Completed)
                return end;
        }
        return IsStuck ? TrainingReport.EndReason.EarlyStopped : TrainingReport.EndReason.Completed;
    }

    // What is cancelled or stopped can go on from there.
    private TrainingReport.EndReason TrainOrSave(TrainingPart part)
    {
        try
        {
            var end = Train(part);
            if (end is TrainingReport.EndReason.Stopped or TrainingReport.EndReason.TimeBudgetSpent)
                _checkpoints?.Save(part);
            return end;
        }
        catch (OperationCanceledException)
        {
            _checkpoints?.SaveIfPossible(part);
            throw;
        }
    }

    private TrainingReport.EndReason Train(TrainingPart part)
    {
        _badRows.Epoch = State.Epochs.Count;
        using var features = CachesOf(part.Trunk);
        var augmentation = part.Planned.Augments ? options.RowAugmentation : Augmentation.None;
        int[] epochs = [.. Enumerable.Range(State.Epochs.Count + 1, part.LastEpoch - State.Epochs.Count)];
        var inputs = _lessons?.InputsFor(features, data.Training, augmentation, epochs) ?? features.InputsFor(data.Training, augmentation, epochs);
        var validator = CreateValidator(part, features);
        part.Steps = part.Planned.Epochs * InSteps(Usable(data.Training, part.FirstEpoch)).Steps;
        while (State.Epochs.Count < part.LastEpoch)
        {
            if (_stop.Token.IsCancellationRequested)
                return _stop.End;
            var epoch = _badRows.Epoch = State.Epochs.Count + 1;
            if (State.BatchesOfEpoch == 0)
                State.EpochBegan = _meter.Elapsed;
            if ((TrainEpoch(part, epoch, InSteps(Shuffled(epoch)), inputs) ?? JudgeEpoch(part, epoch, validator)) is { } end)
                return end;
            if (IsStuck)
                return TrainingReport.EndReason.EarlyStopped;
        }
        return TrainingReport.EndReason.Completed;
    }

    /// <summary>Goes on where the state says.</summary>
    /// <returns>Null if the epoch is complete.</returns>
    internal TrainingReport.EndReason? TrainEpoch(TrainingPart part, int epoch, EpochOrder order, StepInputs inputs)
    {
        if (order.Batches.Length == 0)
            throw new InvalidOperationException($"None of the {data.Training.Rows.Length} training {data.Training.Source.Inputs.Noun}s could be read.");
        network.BeginTraining(part.FrozenStages, part.Planned.BatchNormOf(network, options.BatchNorm));
        _meter.Begin(TrainingActivity.Training, epoch, order.Batches.Skip(State.BatchesOfEpoch).Sum(batch => batch.Length));
        foreach (var input in inputs.Read(order.Batches, epoch, State.BatchesOfEpoch))
        {
            using (input)
            {
                CheckAlive();
                if (_stop.Token.IsCancellationRequested)
                    return _stop.End;
                if (input.Rows.Length == 1 && part.NormWithoutVariance(input.Activations, State.Batches) is { } norm)
                {
                    LeaveOut(norm, epoch, order);
                    continue;
                }
                // A step whose last batch had no row that could be read is due now.
                if (part.HasPending && order.StepOf[State.BatchesOfEpoch - 1] != order.StepOf[input.Batch])
                    part.Descend(LearningRateAt(part, part.Step));
                var learningRate = LearningRateAt(part, part.Step);
                var loss = Step(part, input, order.EndsStep(input.Batch) ? learningRate : null);
                State.LossSum += loss * input.Rows.Length;
                State.LossRows += input.Rows.Length;
                (State.BatchesOfEpoch, State.Batches) = (input.Batch + 1, State.Batches + 1);
                options.Observer?.AfterStep(State.Batches, input.Rows.Length, loss, learningRate);
                _divergence = State.Losses.Judge(loss, options.OnDivergence.SpikeFactor);
                if (_divergence is not null)
                    return TrainingReport.EndReason.Diverged;
                if (!part.HasPending)
                    _checkpoints?.AfterStep(part);
                _meter.Advance(input.Rows.Length, State.MeanLoss, part.LargestScale * learningRate);
            }
        }
        if (part.HasPending)
            part.Descend(LearningRateAt(part, part.Step));
        if (State.LossRows == 0 && _saidLeftOut)
            throw new InvalidOperationException(
                $"No batch of epoch {epoch} had two rows that could be read, and BatchNorm cannot train on one. {MoreRows}");
        State.BatchesOfEpoch = order.Batches.Length;
        return null;
    }

    // As a batch in which nothing could be read. The shuffle decides which row it is, so that every row has its turn.
    private void LeaveOut(string norm, int epoch, EpochOrder order)
    {
        var what = $"{norm} of {network.Name} sees one value a channel in a batch of one row, and has no variance to normalise by";
        if (options.BatchSize == 1 || order.Batches.Length == 1)
            throw new InvalidOperationException(
                $"{what} (BatchSize {options.BatchSize}, {order.Batches.Sum(batch => batch.Length)} training rows). {MoreRows}");
        if (!_saidLeftOut)
        {
            channel.Warning(
                $"Epoch {epoch}: {what}. Such a batch, of a row that was left over or whose neighbours could not be read, is left out of its "
                + $"epoch. {MoreRows}");
        }
        _saidLeftOut = true;
    }

    private static string MoreRows =>
        "Give batches of two rows and more (BatchSize, the training rows), or keep the pretrained statistics with "
        + "BatchNorm = BatchNormMode.Frozen.";

    /// <summary>Forward, loss, backward, step.</summary>
    /// <param name="part">At work.</param>
    /// <param name="input">A batch.</param>
    /// <param name="learningRate">Null if more batches come before the optimizer's step.</param>
    private double Step(TrainingPart part, StepInput input, double? learningRate)
    {
        using var scope = NewDisposeScope();
        var targets = objective.TargetsOf(data.Training, input.Rows, input.Mix, network.Device) with { TeacherLogits = input.TeacherLogits }; // [N]
        var outputs = part.Forward(input.Activations, State.Batches); // [N, outputs]
        var loss = objective.Loss(outputs, targets);
        if (!loss.requires_grad)
            throw new InvalidOperationException($"Nothing that trains in {network.Name} reaches its output: it detaches its result, or computes without its parameters.");
        part.Backward(loss, () => objective.CountOf(targets));
        if (learningRate is { } rate)
            part.Descend(rate);
        return loss.item<float>(); // waits for the device
    }

    /// <summary>Validates, with the average of the weights where one is kept, and keeps what is best.</summary>
    private TrainingReport.EndReason? JudgeEpoch(TrainingPart part, int epoch, Validator? validator)
    {
        TrainingReport.EpochReport report;
        bool isBest;
        using (part.Average?.InPlaceOfWeights())
        {
            var evaluation = validator?.Evaluate(epoch, CheckAlive, _stop.Token);
            if (validator is not null && evaluation is null)
                return _stop.End;
            _divergence = evaluation is { Loss: var judged }
                ? (double.IsFinite(judged) ? null : FormattableString.Invariant($"the validation loss is {judged}"))
                : _best.LiveIsFinite() ? null : "the weights are no longer numbers";
            if (_divergence is not null)
                return TrainingReport.EndReason.Diverged;
            isBest = _best.Offer(epoch, evaluation);
            if (isBest)
                _best.Outputs = validator?.Outputs;
            (_meter.ValidationLoss, _meter.ValidationAccuracy) = (evaluation?.Loss, evaluation?.Accuracy);
            report = new TrainingReport.EpochReport(
                epoch, State.MeanLoss, evaluation?.Loss, evaluation?.Accuracy, part.LargestScale * LearningRateAt(part, part.Step - 1),
                (_meter.Elapsed - State.EpochBegan).TotalSeconds)
            {
                ValidationRootMeanSquaredError = evaluation?.RootMeanSquaredError,
            };
        }
        State.EndEpoch(report);
        _checkpoints?.AfterEpoch(part, epoch);
        _log.EndEpoch(report, isBest);
        _meter.EndEpoch(report.Loss);
        options.Observer?.AfterEpoch(State.Epochs, State.Batches);
        return null;
    }

    // Parts before the last one are as long as the strategy says.
    private bool IsStuck => State.Epochs.Count - Math.Max(_best.Epoch, plan.EpochsBefore(plan.Parts[^1])) >= options.EarlyStoppingPatience;

    private void TakeBestOrThrow()
    {
        var what = $"The training diverged in step {State.Batches} (epoch {State.Epochs.Count + 1}): {_divergence}.";
        var lastGood = State.Epochs is [.., var last] ? $"The last good epoch was {last.Epoch}: {TrainingLog.Metrics(last)}." : "No epoch was complete.";
        if (options.OnDivergence is not Divergence.ReturnBestOnDivergence || _best.Epoch == 0)
        {
            throw new InvalidOperationException(
                FormattableString.Invariant($"{what} {lastGood} Lower the learning rate ({options.LearningRate}), lengthen the warm-up of the ")
                + "schedule, or set GradientClipping. OnDivergence = Divergence.ReturnBest() gives the best epoch instead, if one is complete.");
        }
        channel.Warning($"{what} {lastGood} The model is that of epoch {_best.Epoch}.");
    }

    /// <summary>Gives the network the average of the best epochs, if that is wanted and validation prefers it to the best one alone.</summary>
    private TrainingReport.AveragedEpochs? TryAverage()
    {
        if (options.WeightAveraging is not WeightAveraging.BestAveraging || _best.Kept.Count < 2)
            return null;
        var frozen = plan.FrozenStages(network);
        network.Freeze(frozen);
        using var trunk = new FrozenTrunk(network, network.RunsAlone(frozen) ? frozen : 0, seed, options.Workers);
        var inputs = new RowInputs(trunk, data.Validation, new RowViews(data.Validation.Source, Augmentation.None, seed), options.Epochs, _badRows, options.CancellationToken);
        var batches = BatchLoader.Split(Usable(data.Validation), options.BatchSize);
        _best.PutAverage();
        var validator = new Validator(network, objective, frozen, trunk.Stages, data.Validation, inputs, batches, _meter,
            options.JudgesRows);
        var evaluation = validator.Evaluate(State.Epochs.Count, CheckAlive, CancellationToken.None)!;
        int[] epochs = [.. _best.Kept.Select(kept => kept.Epoch).Order()];
        var averaged = evaluation.IsBetterThan(_best.Evaluation)
            ? new TrainingReport.AveragedEpochs(epochs, evaluation.Loss, evaluation.Accuracy)
            {
                ValidationRootMeanSquaredError = evaluation.RootMeanSquaredError,
            }
            : null;
        if (averaged is null)
            _best.PutBack();
        else
            _best.Outputs = validator.Outputs;
        _log.Average(averaged, evaluation, epochs);
        return averaged;
    }

    private FeatureCaches CachesOf(Trunk trunk) => new(trunk, options with { StopToken = _stop.Token }, _badRows, _meter, channel, CheckAlive);

    private Lessons? BeginLessons()
    {
        if (teacher is null)
            return null;
        var trunk = new TeacherTrunk(teacher, network, seed, options.Workers);
        return new Lessons(teacher, trunk, CachesOf(trunk));
    }

    private Validator? CreateValidator(TrainingPart part, FeatureCaches features)
    {
        if (data.Validation.Rows.Length == 0)
            return null;
        var inputs = features.InputsFor(data.Validation, Augmentation.None, [0]);
        var batches = BatchLoader.Split(Usable(data.Validation, part.FirstEpoch), options.BatchSize);
        return batches.Length > 0
            ? new Validator(network, objective, part.FrozenStages, part.Trunk.Stages, data.Validation, inputs, batches, _meter,
                options.JudgesRows)
            : throw new InvalidOperationException($"None of the {data.Validation.Rows.Length} validation {data.Validation.Source.Inputs.Noun}s could be read.");
    }

    // In a step of the part, before the factors of its parameters.
    private double LearningRateAt(TrainingPart part, int step)
    {
        var judged = State.Epochs.Skip(part.FirstEpoch - 1).Select(epoch => epoch.ValidationLoss).OfType<double>();
        return ExactDouble.Of(options.LearningRate) * options.Schedule.FactorAt(Math.Min(step, part.Steps), part.Steps, [.. judged]);
    }

    private EpochOrder InSteps(int[] order) => EpochOrder.Of(order, options.BatchSize, options.AccumulationSteps);

    private int[] Shuffled(int epoch)
    {
        var order = Usable(data.Training, epoch);
        new CountedRandom(seed, RandomStream.Shuffle, epoch, ordinal: 0).Shuffle(order);
        return order;
    }

    // Less those that were found bad before an epoch: a training that goes on in the middle of it must find the same.
    private int[] Usable(RowSubset subset, int epoch = int.MaxValue) => [.. subset.Rows.Where(row => !_badRows.Contains(subset.Source, row, epoch))];

    private void CheckAlive()
    {
        options.CancellationToken.ThrowIfCancellationRequested();
        host.CheckAlive();
    }

    private TrainingReport Report(FinishedRun run)
    {
        var parameters = network.Parameters();
        var trained = parameters.Where(parameter => plan.Parts.Any(part => part.ScaleOf(parameter) > 0)).ToList();
        var count = trained.Sum(parameter => parameter.Parameter.numel());
        return new TrainingReport
        {
            Epochs = State.Epochs,
            BestEpoch = _best.Epoch,
            Averaged = run.Averaged,
            End = run.End,
            TrainingRows = Usable(data.Training).Length,
            ValidationRows = Usable(data.Validation).Length,
            BadRows = _badRows.RowsOf(data.Training.Source),
            ValidationBadRows = data.Validation.Source == data.Training.Source ? [] : _badRows.RowsOf(data.Validation.Source),
            RowsWithoutLabel = data.Training.Source.WithoutLabel,
            TrainedParameters = count,
            FrozenParameters = parameters.Sum(parameter => parameter.Parameter.numel()) - count,
            TrainedStages = [.. network.Stages.Where((_, stage) => trained.Any(parameter => parameter.Stage == stage))],
            FeatureCache = _meter.Features,
            Distillation = teacher?.Report,
            Resumed = _checkpoints?.Resumed,
            Duration = _meter.Elapsed,
        };
    }
}
