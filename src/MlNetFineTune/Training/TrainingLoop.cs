using Microsoft.ML.Runtime;
using MlNetFineTune.Augmentations;
using MlNetFineTune.Heads;
using MlNetFineTune.Rows;
using MlNetFineTune.Strategies;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>Trains a network in place and leaves it with the weights of its best epoch.</summary>
internal sealed class TrainingLoop(TrainableNetwork network, Objective objective, TrainingPlan plan, TrainingData data, FineTuningOptions options, long seed, IHost host, IChannel channel)
{
    private readonly ProgressMeter _meter = new(options.Progress, options.Epochs);
    private readonly BadRowLog _badRows = new(options.BadRows, channel);
    private readonly List<EpochReport> _epochs = [];
    private int _steps;
    private int _bestEpoch;
    private Evaluation? _bestEvaluation;

    /// <exception cref="OperationCanceledException">The cancellation token asked for it.</exception>
    public TrainingReport Run()
    {
        LogData();
        using var best = new WeightSnapshot(network, plan.FrozenStages(network));
        var end = TrainingEnd.Completed;
        foreach (var planned in plan.Parts)
        {
            if (end != TrainingEnd.Completed)
                break;
            using var part = new TrainingPart(planned, network, options, seed);
            LogPart(part);
            end = Train(part, best);
        }

        if (_bestEpoch > 0)
            best.Restore();
        if (end == TrainingEnd.Stopped && _bestEpoch > 0)
            channel.Info($"Stopped as asked; the model is that of epoch {_bestEpoch}.");
        else if (end == TrainingEnd.Stopped)
            channel.Warning($"Stopped as asked before the first epoch was complete: the model {(_steps > 0 ? $"has had {_steps} steps and was never judged" : "has not been trained")}.");
        return Report(end);
    }

    private TrainingEnd Train(TrainingPart part, WeightSnapshot best)
    {
        using var features = new FeatureCaches(part.Trunk, options, _badRows, _meter, channel, CheckAlive);
        var inputs = features.InputsFor(data.Training, options.RowAugmentation, Enumerable.Range(_epochs.Count + 1, part.Planned.Epochs));
        var validator = CreateValidator(part, features);
        part.Steps = part.Planned.Epochs * BatchLoader.Split(Usable(data.Training), options.BatchSize).Length;
        for (var i = 0; i < part.Planned.Epochs; i++)
        {
            var epoch = _epochs.Count + 1;
            if (options.StopToken.IsCancellationRequested)
                return TrainingEnd.Stopped;
            var began = _meter.Elapsed;
            var batches = BatchLoader.Split(Shuffled(epoch), options.BatchSize);
            if (batches.Length == 0)
                throw new InvalidOperationException($"None of the {data.Training.Rows.Length} training {data.Training.Source.Inputs.Noun}s could be read.");

            if (!TrainEpoch(part, epoch, batches, inputs, out var loss))
                return TrainingEnd.Stopped;
            var evaluation = validator?.Evaluate(epoch, CheckAlive, options.StopToken);
            if (validator is not null && evaluation is null)
                return TrainingEnd.Stopped;
            if (evaluation is { Loss: var judged } ? !double.IsFinite(judged) : !best.LiveIsFinite())
                throw Diverged(evaluation is null ? "the weights are no longer numbers" : $"the validation loss is {evaluation.Loss}");

            var isBest = evaluation is null || evaluation.IsBetterThan(_bestEvaluation);
            (_meter.ValidationLoss, _meter.ValidationAccuracy) = (evaluation?.Loss, evaluation?.Accuracy);
            _epochs.Add(new EpochReport(epoch, loss, evaluation?.Loss, evaluation?.Accuracy, LearningRateAt(part, part.Step - 1), (_meter.Elapsed - began).TotalSeconds) { ValidationRootMeanSquaredError = evaluation?.RootMeanSquaredError });
            LogEpoch(_epochs[^1], isBest);
            _meter.EndEpoch();

            if (isBest)
            {
                (_bestEpoch, _bestEvaluation) = (epoch, evaluation);
                best.Take();
            }
            else if (epoch - _bestEpoch >= options.EarlyStoppingPatience)
            {
                channel.Info($"Stopped early: no improvement since epoch {_bestEpoch}.");
                return TrainingEnd.EarlyStopped;
            }
        }
        return TrainingEnd.Completed;
    }

    /// <returns>False if the stop token asked for an end.</returns>
    internal bool TrainEpoch(TrainingPart part, int epoch, int[][] batches, StepInputs inputs, out double meanLoss)
    {
        network.BeginTraining(part.FrozenStages);
        _meter.Begin(TrainingPhase.Training, epoch, batches.Sum(batch => batch.Length));
        var (sum, count) = (0.0, 0);
        meanLoss = double.NaN;
        foreach (var input in inputs.Read(batches, epoch))
        {
            using (input.Activations)
            {
                CheckAlive();
                if (options.StopToken.IsCancellationRequested)
                    return false;
                var learningRate = LearningRateAt(part, part.Step);
                sum += Step(part, input, learningRate) * input.Rows.Length;
                count += input.Rows.Length;
                meanLoss = sum / count;
                _meter.Advance(input.Rows.Length, meanLoss, learningRate);
            }
        }
        return true;
    }

    /// <summary>Forward, loss, backward, step.</summary>
    private double Step(TrainingPart part, StepInput input, double learningRate)
    {
        using var scope = NewDisposeScope();
        var targets = objective.TargetsOf(data.Training, input.Rows, input.Mix, network.Device); // [N]
        var outputs = network.ForwardInTraining(input.Activations, part.Trunk.Stages, seed, _steps); // [N, outputs]
        var loss = objective.Loss(outputs, targets);
        if (!loss.requires_grad)
            throw new InvalidOperationException($"Nothing that trains in {network.Name} reaches its output: it detaches its result, or computes without its parameters.");
        part.Optimizer.ZeroGradients();
        loss.backward();
        part.Descend(learningRate);
        (part.Step, _steps) = (part.Step + 1, _steps + 1);

        var value = loss.item<float>(); // waits for the device
        return float.IsFinite(value) ? value : throw Diverged($"the loss is {value}");
    }

    private InvalidOperationException Diverged(string what) =>
        new($"The training diverged: {what}. Lower the learning rate ({options.LearningRate}).");

    private Validator? CreateValidator(TrainingPart part, FeatureCaches features)
    {
        if (data.Validation.Rows.Length == 0)
            return null;
        var inputs = features.InputsFor(data.Validation, Augmentation.None, [0]);
        var batches = BatchLoader.Split(Usable(data.Validation), options.BatchSize);
        return batches.Length > 0
            ? new Validator(network, objective, part.FrozenStages, part.Trunk.Stages, data.Validation, inputs, batches, _meter)
            : throw new InvalidOperationException($"None of the {data.Validation.Rows.Length} validation {data.Validation.Source.Inputs.Noun}s could be read.");
    }

    // Of the head, in a step of the part.
    private double LearningRateAt(TrainingPart part, int step)
    {
        var judged = _epochs.Skip(plan.EpochsBefore(part.Planned)).Select(epoch => epoch.ValidationLoss).OfType<double>();
        return ExactDouble.Of(options.LearningRate) * options.Schedule.FactorAt(Math.Min(step, part.Steps), part.Steps, [.. judged]);
    }

    private int[] Shuffled(int epoch)
    {
        var order = Usable(data.Training);
        new CountedRandom(seed, RandomStream.Shuffle, epoch, ordinal: 0).Shuffle(order);
        return order;
    }

    private int[] Usable(RowSubset subset) => [.. subset.Rows.Where(row => !_badRows.Contains(subset.Source, row))];

    private void CheckAlive()
    {
        options.CancellationToken.ThrowIfCancellationRequested();
        host.CheckAlive();
    }

    private void LogData() => channel.Info(
        $"{network.Description}, strategy {options.Strategy}: {data.Training.Rows.Length} training and {data.Validation.Rows.Length} validation rows, {options.Epochs} epochs of batch {options.BatchSize}, {options.Optimizer}, seed {seed}.");

    private void LogPart(TrainingPart part)
    {
        var parameters = network.Parameters();
        var trained = parameters.Where(parameter => part.Planned.ScaleOf(parameter) > 0).ToList();
        var stages = network.Stages.Append("head").Index().ToLookup(stage => trained.Exists(parameter => parameter.Stage == stage.Index), stage => stage.Item);
        var epochs = plan.Parts.Count == 1 ? "" : $"Epochs {_epochs.Count + 1} to {_epochs.Count + part.Planned.Epochs}: ";
        channel.Info($"{epochs}{Count(trained):N0} parameters train ({string.Join(", ", stages[true])}), "
            + $"{Count(parameters) - Count(trained):N0} are frozen ({string.Join(", ", stages[false].DefaultIfEmpty("no whole stage"))}).");
    }

    private void LogEpoch(EpochReport epoch, bool best) => channel.Info(
        $"Epoch {epoch.Epoch}/{options.Epochs}: loss {epoch.Loss:0.0000}"
        + (epoch.ValidationLoss is { } judged ? $", validation loss {judged:0.0000}" : "")
        + (epoch.ValidationAccuracy is { } accuracy ? $", accuracy {accuracy:0.0000}" : "")
        + (epoch.ValidationRootMeanSquaredError is { } error ? $", root mean squared error {error:0.0000}" : "")
        + (epoch.ValidationLoss is not null && best ? " (best)" : "")
        + $", {epoch.Seconds:0.0} s");

    private TrainingReport Report(TrainingEnd end)
    {
        var parameters = network.Parameters();
        var trained = parameters.Where(parameter => plan.Parts.Any(part => part.ScaleOf(parameter) > 0)).ToList();
        return new TrainingReport
        {
            Epochs = _epochs,
            BestEpoch = _bestEpoch,
            End = end,
            TrainingRows = Usable(data.Training).Length,
            ValidationRows = Usable(data.Validation).Length,
            BadRows = _badRows.RowsOf(data.Training.Source),
            ValidationBadRows = data.Validation.Source == data.Training.Source ? [] : _badRows.RowsOf(data.Validation.Source),
            RowsWithoutLabel = data.Training.Source.WithoutLabel,
            TrainedParameters = Count(trained),
            FrozenParameters = Count(parameters) - Count(trained),
            TrainedStages = [.. network.Stages.Where((_, stage) => trained.Any(parameter => parameter.Stage == stage))],
            FeatureCache = _meter.Features,
            Duration = _meter.Elapsed,
        };
    }

    private static long Count(IEnumerable<NetworkParameter> parameters) => parameters.Sum(parameter => parameter.Parameter.numel());
}
