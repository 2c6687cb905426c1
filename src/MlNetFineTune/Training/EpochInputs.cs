using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Training;

/// <summary>The inputs of the epochs of a phase.</summary>
/// <param name="Training">The training rows.</param>
/// <param name="Validation">Evaluates on the validation rows; null if there are none.</param>
/// <param name="SortsByLength">
/// Whether batches have rows of similar length: not where features of one length could be cached, so that the batches are the same with and
/// without a cache.
/// </param>
/// <param name="TrainsPairs">Whether the batches are of pairs of rows.</param>
internal sealed record PhaseInputs(StepInputs Training, Evaluator? Validation, bool SortsByLength, bool TrainsPairs);

/// <summary>The rows of an epoch, their order, and their inputs.</summary>
internal sealed class EpochInputs(TrainingRun run, BadRowLog badRows, ProgressMeter meter, StopRequest stop) : IDisposable
{
    private readonly Lazy<TeacherTargets?> _teacher = new(() =>
    {
        if (run.Teacher is not { } teacher)
            return null;
        var layers = new FrozenTeacher(teacher, run.Network, run.Input, run.Seed, run.Options.Workers);
        return new TeacherTargets(teacher, layers, CachesOf(run, layers, badRows, meter, stop));
    });

    private bool _hasLoggedPadding;

    /// <summary>Features of the phase's frozen stages. The caller disposes them.</summary>
    public FeatureCaches FeaturesOf(TrainingPhase phase) => CachesOf(run, phase.Encoder, badRows, meter, stop);

    /// <summary>Creates the inputs of a phase.</summary>
    /// <param name="phase">The phase.</param>
    /// <param name="features">Cached features of its frozen stages.</param>
    /// <param name="epochs">The remaining epochs of the phase.</param>
    public PhaseInputs Of(TrainingPhase phase, FeatureCaches features, int[] epochs)
    {
        var augmentation = phase.Planned.Augments ? run.Options.Augmentation : Augmentation.None;
        var resizing = run.Options.Resizing;
        var training = _teacher.Value?.InputsFor(features, run.Data.Training, augmentation, epochs, run.Sheet, resizing)
            ?? features.InputsFor(run.Data.Training, augmentation, epochs, sheet: run.Sheet, resizing: resizing);
        var pairs = phase.Planned.TrainsPairs;
        var validation = pairs ? null : EvaluatorOf(phase, features);
        if (!training.ReadsRows && validation is not { ReadsRows: true })
            phase.Encoder.EndEngine();
        return new PhaseInputs(training, validation, SortsByLength: !features.CouldKeep(augmentation), pairs);
    }

    /// <summary>Number of steps of a phase, from its first epoch to its last.</summary>
    /// <param name="phase">The phase.</param>
    /// <param name="inputs">Its inputs.</param>
    public int StepsOf(TrainingPhase phase, PhaseInputs inputs) =>
        phase.Planned.Epochs * (inputs.TrainsPairs ? PairsOf(phase.FirstEpoch)
            : InSteps(Usable(run.Data.Training, phase.FirstEpoch), phase.FirstEpoch, inputs)).Steps;

    // The outputs of frozen stages are cached across epochs.
    private Evaluator? EvaluatorOf(TrainingPhase phase, FeatureCaches features)
    {
        var validation = run.Data.Validation;
        if (validation.Rows.Length == 0)
            return null;
        var inputs = features.InputsFor(validation, Augmentation.None, [0]);
        var rows = Usable(validation, phase.FirstEpoch);
        var batches = inputs.ReadsRows ? BucketsOf(validation).Sorted(rows) : BatchLoader.Split(rows, run.Options.BatchSize);
        return batches.Length > 0
            ? new Evaluator(run, phase.FrozenStages, phase.Encoder.Stages, inputs, batches, meter)
            : throw AgreedFailure.Of(new InvalidOperationException(
                $"None of the {validation.Rows.Length} validation {validation.Source.Inputs.Noun}s could be read."));
    }

    /// <summary>Creates an evaluator for a single evaluation on the validation rows, without caching.</summary>
    public Evaluator EvaluatorOf(int frozenStages, FrozenEncoder encoder)
    {
        var validation = run.Data.Validation;
        var views = new RowViews(validation.Source, Augmentation.None, run.Seed);
        var inputs = new RowInputs(
            encoder, validation, views, run.Options.Epochs, badRows, run.Options.ReadingToken, processes: run.Processes);
        var batches = BucketsOf(validation).Sorted(Usable(validation));
        return new Evaluator(run, frozenStages, encoder.Stages, inputs, batches, meter);
    }

    /// <summary>An epoch's training rows in the order of <see cref="FineTuningOptions.Sampling"/>, or its pairs of them.</summary>
    /// <param name="epoch">The epoch.</param>
    /// <param name="inputs">Inputs of its phase.</param>
    /// <exception cref="InvalidOperationException">No training row could be read.</exception>
    public EpochOrder OrderOf(int epoch, PhaseInputs inputs)
    {
        var order = inputs.TrainsPairs ? PairsOf(epoch)
            : InSteps(run.Options.Sampling.Order(Usable(run.Data.Training, epoch), run.Balance, run.Seed, epoch), epoch, inputs);
        run.Data.RequireReadable(order.Batches.Length);
        if (inputs.SortsByLength && !inputs.TrainsPairs)
            LogPadding(order);
        return order;
    }

    /// <summary>
    /// The rows without those that were found bad before an epoch, so that a training resumed within the epoch has the same rows.
    /// </summary>
    public int[] Usable(RowSubset subset, int epoch = int.MaxValue) =>
        [.. subset.Rows.Where(row => !badRows.Contains(subset.Source, row, epoch))];

    /// <summary>The rows that could not be read, in the order of the data.</summary>
    public IReadOnlyList<BadRows.Row> BadRowsOf(LabeledData source) => badRows.RowsOf(source);

    public void Dispose()
    {
        if (_teacher.IsValueCreated)
            _teacher.Value?.Dispose();
    }

    private EpochOrder PairsOf(int epoch)
    {
        var pairs = PairSampling.Of(run.Data.Training, Usable(run.Data.Training, epoch)).Draw(run.Seed, epoch);
        return PairBatches.Of(pairs, run.Options.BatchSize, run.Options.AccumulationSteps, BucketsOf(run.Data.Training));
    }

    private EpochOrder InSteps(int[] rows, int epoch, PhaseInputs inputs)
    {
        var (buckets, batchesOfStep) = (BucketsOf(run.Data.Training), run.Options.AccumulationSteps);
        return inputs.SortsByLength ? buckets.Steps(rows, batchesOfStep, run.Seed, epoch)
            : inputs.Training.ReadsRows ? buckets.Unsorted(rows, batchesOfStep)
            : EpochOrder.Of(rows, run.Options.BatchSize, batchesOfStep);
    }

    private LengthBuckets BucketsOf(RowSubset subset) =>
        new(subset.Source.Inputs, run.Options.BatchSize, run.Options.TokensOfBatch);

    // Once: it hardly differs between epochs.
    private void LogPadding(EpochOrder order)
    {
        if (_hasLoggedPadding || run.Data.Training.Source.Inputs.StepsOf(order.Batches[0][0]) is null)
            return;
        _hasLoggedPadding = true;
        var padding = BucketsOf(run.Data.Training).Padding(order.Batches);
        run.Channel.Info(FormattableString.Invariant(
            $"{order.Batches.Length} batches an epoch, of rows of similar length: {padding:0.0 %} of their tokens are padding."));
    }

    private static FeatureCaches CachesOf(
        TrainingRun run, FrozenNetwork layers, BadRowLog badRows, ProgressMeter meter, StopRequest stop) =>
        new(layers, run.Options, badRows, meter, run.Channel, () => run.MustStop(stop));
}
