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
    private readonly int _stagesBefore = network.RunsAlone(plan.FrozenStages) ? plan.FrozenStages : 0; // those that have run when a step begins
    private readonly BadRowLog _badRows = new(options.BadRows, channel);

    /// <exception cref="OperationCanceledException">The cancellation token asked for it.</exception>
    public TrainingReport Run()
    {
        var groups = ParameterGroups.Apply(plan, network);
        network.Freeze(plan.FrozenStages);
        LogPlan(groups);

        using var optimizer = options.Optimizer.CreateState(groups);
        using var trunk = new FrozenTrunk(network, _stagesBefore, seed, options.Workers);
        using var features = new FeatureCaches(trunk, options, _badRows, _meter, channel, CheckAlive);
        var training = features.InputsFor(data.Training, options.RowAugmentation);
        var validator = CreateValidator(features);
        using var best = new WeightSnapshot(network, plan.FrozenStages);

        var epochs = new List<EpochReport>();
        var (bestEpoch, bestEvaluation) = (0, (Evaluation?)null);
        var end = TrainingEnd.Completed;
        var steps = options.Epochs * BatchLoader.Split(Usable(data.Training), options.BatchSize).Length;
        var step = 0;
        for (var epoch = 1; epoch <= options.Epochs; epoch++)
        {
            if (options.StopToken.IsCancellationRequested)
            {
                end = TrainingEnd.Stopped;
                break;
            }
            var began = _meter.Elapsed;
            var batches = BatchLoader.Split(Shuffled(epoch), options.BatchSize);
            if (batches.Length == 0)
                throw new InvalidOperationException($"None of the {data.Training.Rows.Length} training {data.Training.Source.Inputs.Noun}s could be read.");

            if (!TrainEpoch(epoch, batches, training, optimizer, ref step, steps, out var loss))
            {
                end = TrainingEnd.Stopped;
                break;
            }
            var evaluation = validator?.Evaluate(epoch, CheckAlive, options.StopToken);
            if (validator is not null && evaluation is null)
            {
                end = TrainingEnd.Stopped;
                break;
            }
            if (evaluation is { Loss: var judged } ? !double.IsFinite(judged) : !best.LiveIsFinite())
                throw Diverged(evaluation is null ? "the weights are no longer numbers" : $"the validation loss is {evaluation.Loss}");
            var isBest = evaluation is null || evaluation.IsBetterThan(bestEvaluation);
            (_meter.ValidationLoss, _meter.ValidationAccuracy) = (evaluation?.Loss, evaluation?.Accuracy);
            epochs.Add(new EpochReport(epoch, loss, evaluation?.Loss, evaluation?.Accuracy, LearningRateAt(step - 1, steps), (_meter.Elapsed - began).TotalSeconds) { ValidationRootMeanSquaredError = evaluation?.RootMeanSquaredError });
            LogEpoch(epochs[^1], isBest);
            _meter.EndEpoch();

            if (isBest)
            {
                (bestEpoch, bestEvaluation) = (epoch, evaluation);
                best.Take();
            }
            else if (epoch - bestEpoch >= options.EarlyStoppingPatience)
            {
                channel.Info($"Stopped early: no improvement since epoch {bestEpoch}.");
                end = TrainingEnd.EarlyStopped;
                break;
            }
        }

        if (bestEpoch > 0)
            best.Restore();
        optimizer.ZeroGradients(); // a model that scores needs no memory for them
        if (end == TrainingEnd.Stopped && bestEpoch > 0)
            channel.Info($"Stopped as asked; the model is that of epoch {bestEpoch}.");
        else if (end == TrainingEnd.Stopped)
            channel.Warning($"Stopped as asked before the first epoch was complete: the model {(step > 0 ? $"has had {step} steps and was never judged" : "has not been trained")}.");
        return Report(groups, epochs, bestEpoch, end);
    }

    /// <returns>False if the stop token asked for an end.</returns>
    internal bool TrainEpoch(int epoch, int[][] batches, StepInputs inputs, OptimizerState optimizer, ref int step, int steps, out double meanLoss)
    {
        network.BeginTraining(plan.FrozenStages);
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
                var learningRate = LearningRateAt(step, steps);
                sum += Step(input, optimizer, learningRate, step++) * input.Rows.Length;
                count += input.Rows.Length;
                meanLoss = sum / count;
                _meter.Advance(input.Rows.Length, meanLoss, learningRate);
            }
        }
        return true;
    }

    /// <summary>Forward, loss, backward, step.</summary>
    private double Step(StepInput input, OptimizerState optimizer, double learningRate, int step)
    {
        using var scope = NewDisposeScope();
        var targets = objective.TargetsOf(data.Training.LabelsOf(input.Rows), network.Device); // [N]
        var outputs = network.ForwardInTraining(input.Activations, _stagesBefore, seed, step); // [N, outputs]
        var loss = input.Mix is { } mix ? mix.Loss(targets, LossOf) : LossOf(targets);
        if (!loss.requires_grad)
            throw new InvalidOperationException($"Nothing that trains in {network.Name} reaches its output: it detaches its result, or computes without its parameters.");
        optimizer.ZeroGradients();
        loss.backward();
        optimizer.Step(learningRate);

        var value = loss.item<float>(); // waits for the device
        return float.IsFinite(value) ? value : throw Diverged($"the loss is {value}");

        Tensor LossOf(Tensor labels) => objective.Loss(outputs, labels);
    }

    private InvalidOperationException Diverged(string what) =>
        new($"The training diverged: {what}. Lower the learning rate ({options.LearningRate}).");

    private Validator? CreateValidator(FeatureCaches features)
    {
        if (data.Validation.Rows.Length == 0)
            return null;
        var inputs = features.InputsFor(data.Validation, Augmentation.None);
        var batches = BatchLoader.Split(Usable(data.Validation), options.BatchSize);
        return batches.Length > 0
            ? new Validator(network, objective, plan.FrozenStages, _stagesBefore, data.Validation, inputs, batches, _meter)
            : throw new InvalidOperationException($"None of the {data.Validation.Rows.Length} validation {data.Validation.Source.Inputs.Noun}s could be read.");
    }

    private double LearningRateAt(int step, int steps) => ExactDouble.Of(options.LearningRate) * options.Schedule.FactorAt(Math.Min(step, steps), steps);

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

    private void LogPlan(IReadOnlyList<ParameterGroup> groups)
    {
        var stages = network.Stages;
        channel.Info($"{network.Description}, strategy {options.Strategy}: {TrainedParameters(groups):N0} parameters train ({string.Join(", ", stages.Skip(plan.FrozenStages).Append("head"))}), "
            + $"{AllParameters() - TrainedParameters(groups):N0} are frozen ({(plan.FrozenStages == 0 ? "none" : string.Join(", ", stages.Take(plan.FrozenStages)))}).");
        channel.Info($"{data.Training.Rows.Length} training and {data.Validation.Rows.Length} validation rows, {options.Epochs} epochs of batch {options.BatchSize}, {options.Optimizer}, seed {seed}.");
    }

    private void LogEpoch(EpochReport epoch, bool best) => channel.Info(
        $"Epoch {epoch.Epoch}/{options.Epochs}: loss {epoch.Loss:0.0000}"
        + (epoch.ValidationLoss is { } judged ? $", validation loss {judged:0.0000}" : "")
        + (epoch.ValidationAccuracy is { } accuracy ? $", accuracy {accuracy:0.0000}" : "")
        + (epoch.ValidationRootMeanSquaredError is { } error ? $", root mean squared error {error:0.0000}" : "")
        + (epoch.ValidationLoss is not null && best ? " (best)" : "")
        + $", {epoch.Seconds:0.0} s");

    private TrainingReport Report(IReadOnlyList<ParameterGroup> groups, IReadOnlyList<EpochReport> epochs, int bestEpoch, TrainingEnd end) => new()
    {
        Epochs = epochs,
        BestEpoch = bestEpoch,
        End = end,
        TrainingRows = Usable(data.Training).Length,
        ValidationRows = Usable(data.Validation).Length,
        BadRows = _badRows.RowsOf(data.Training.Source),
        ValidationBadRows = data.Validation.Source == data.Training.Source ? [] : _badRows.RowsOf(data.Validation.Source),
        RowsWithoutLabel = data.Training.Source.WithoutLabel,
        TrainedParameters = TrainedParameters(groups),
        FrozenParameters = AllParameters() - TrainedParameters(groups),
        TrainedStages = [.. network.Stages.Skip(plan.FrozenStages)],
        Duration = _meter.Elapsed,
    };

    private static long TrainedParameters(IReadOnlyList<ParameterGroup> groups) => groups.SelectMany(group => group.Parameters).Sum(parameter => parameter.numel());

    private long AllParameters() => network.NamedParameters().Sum(named => named.Parameter.numel());
}
