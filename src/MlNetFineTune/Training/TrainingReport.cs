using System.Text.Json.Serialization;
using MlNetFineTune.Data;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using MlNetFineTune.Training;

namespace MlNetFineTune;

/// <summary>The report of a training.</summary>
public sealed record TrainingReport
{
    /// <summary>One epoch of a training.</summary>
    /// <param name="Epoch">Number of the epoch, from 1.</param>
    /// <param name="Loss">
    /// Mean training loss over the epoch's rows, weighted within each step; with the mixed labels of <see cref="Augmentation.MixUp"/> or
    /// <see cref="Augmentation.CutMix"/>, and with the distillation loss if there is a teacher. In an epoch of pairs
    /// (<see cref="Strategy.ContrastiveThenProbe"/>) the mean contrastive loss.
    /// </param>
    /// <param name="ValidationLoss">
    /// Mean loss over all validation rows, weighted by example weights and class weights, without label smoothing; null without validation
    /// and in an epoch of pairs.
    /// </param>
    /// <param name="LearningRate">Learning rate of the head in the last step.</param>
    /// <param name="Seconds">Duration of the epoch with its validation, in seconds.</param>
    public sealed record EpochReport(int Epoch, double Loss, double? ValidationLoss, double LearningRate, double Seconds)
    {
        /// <summary>
        /// The task's other metrics over all validation rows, by <see cref="Metric.Name"/>; empty without validation and in an epoch of
        /// pairs.
        /// </summary>
        public IReadOnlyDictionary<string, double> Metrics { get; init => field = MetricValues.Of(value); } = MetricValues.None;

        /// <summary>
        /// Fraction of correctly classified validation rows, 0 to 1; null without validation, or if the task has no
        /// <see cref="Metric.Accuracy"/>.
        /// </summary>
        [JsonIgnore]
        public double? ValidationAccuracy => Metrics.TryGetValue(Metric.Accuracy.Name, out var value) ? value : null;

        /// <summary>
        /// Root of the mean squared error over all validation rows, in units of the label;
        /// null without validation, or if the task is not a regression.
        /// </summary>
        [JsonIgnore]
        public double? ValidationRootMeanSquaredError =>
            Metrics.TryGetValue(Metric.RootMeanSquaredError.Name, out var value) ? value : null;

        /// <summary>Names and values as text, in the invariant culture.</summary>
        public override string ToString() => InvariantText.Of(this);
    }

    /// <summary>The reason why a training ended.</summary>
    public enum EndReason
    {
        /// <summary>All epochs were run.</summary>
        Completed,

        /// <summary>
        /// <see cref="FineTuningOptions.Metric"/> had not improved on the validation rows for
        /// <see cref="FineTuningOptions.EarlyStoppingPatience"/> epochs.
        /// </summary>
        EarlyStopped,

        /// <summary><see cref="FineTuningOptions.StopToken"/> was cancelled.</summary>
        Stopped,

        /// <summary><see cref="FineTuningOptions.TimeBudget"/> was exhausted.</summary>
        TimeBudgetSpent,

        /// <summary>The training diverged, and <see cref="Divergence.ReturnBest"/> returned the best epoch before.</summary>
        Diverged,
    }

    /// <summary>
    /// An average of several epochs' weights: <see cref="WeightAveraging.BestCheckpoints"/>, <see cref="WeightAveraging.WiseFt"/>.
    /// </summary>
    /// <param name="Epochs">The averaged epochs, from 1, in ascending order.</param>
    /// <param name="ValidationLoss">Validation loss of the average.</param>
    public sealed record AveragedEpochs(IReadOnlyList<int> Epochs, double ValidationLoss)
    {
        /// <summary>Weight of each epoch in the average; their sum is 1.</summary>
        public IReadOnlyList<double> Shares { get; init; } = [.. Enumerable.Repeat(1.0 / Epochs.Count, Epochs.Count)];

        /// <summary>The task's other metrics of the average, by <see cref="Metric.Name"/>.</summary>
        public IReadOnlyDictionary<string, double> Metrics { get; init => field = MetricValues.Of(value); } = MetricValues.None;

        /// <summary>Names and values as text, in the invariant culture.</summary>
        public override string ToString() => InvariantText.Of(this);
    }

    /// <summary>The completed epochs, in order.</summary>
    public required IReadOnlyList<EpochReport> Epochs { get; init; }

    /// <summary>
    /// The epoch whose weights the model has, from 1; 0 if the training was stopped before one was complete, epochs of pairs
    /// (<see cref="Strategy.ContrastiveThenProbe"/>) not counted.
    /// </summary>
    public required int BestEpoch { get; init; }

    /// <summary>
    /// Set if the model has the average of several epochs' weights instead of those of <see cref="BestEpoch"/>; otherwise null.
    /// </summary>
    public AveragedEpochs? Averaged { get; init; }

    /// <summary>Result of the calibration; null without calibration, or if no epoch was complete.</summary>
    public Calibration.Report? Calibration { get; init; }

    /// <summary>
    /// The teacher's network by name, and the SHA-256 of its weights in lower-case hexadecimal, as the manifest of its own model file has
    /// it; null without a teacher.
    /// </summary>
    public (string Teacher, string WeightsSha256)? Distillation { get; init; }

    /// <summary>The reason why the training ended.</summary>
    public required EndReason End { get; init; }

    /// <summary>Number of training rows.</summary>
    public required int TrainingRows { get; init; }

    /// <summary>Number of validation rows.</summary>
    public required int ValidationRows { get; init; }

    /// <summary>Rows of the training data that were skipped because their inputs could not be used.</summary>
    public required IReadOnlyList<BadRows.Row> BadRows { get; init; }

    /// <summary>
    /// Rows of a <see cref="ValidationData.Set"/> that were skipped because their inputs could not be used, by their position in that set.
    /// </summary>
    public required IReadOnlyList<BadRows.Row> ValidationBadRows { get; init; }

    /// <summary>Number of rows that were skipped because their label was missing.</summary>
    public required int RowsWithoutLabel { get; init; }

    /// <summary>Number of trained parameters (scalar values).</summary>
    public required long TrainedParameters { get; init; }

    /// <summary>Number of frozen parameters (scalar values).</summary>
    public required long FrozenParameters { get; init; }

    /// <summary>
    /// The layers of the network from input to output, the head last: their sizes, trained parameters and learning rates.
    /// </summary>
    public IReadOnlyList<ModelLayer> Layers { get; init; } = [];

    /// <summary>Names of the trained stages, in the order of the network. The head is not listed.</summary>
    public required IReadOnlyList<string> TrainedStages { get; init; }

    /// <summary>
    /// The position of the checkpoint from which the training was resumed (<see cref="FineTuningOptions.Checkpoint"/>); null if it was not
    /// resumed. <c>Epochs</c> is the number of complete epochs in the checkpoint (all of them if the training was complete and the model
    /// was read from the checkpoint), <c>Batches</c> the number of trained batches of the next epoch, at least 0;
    /// <see cref="FineTuningOptions.AccumulationSteps"/> batches form a step of the optimizer. <see cref="Epochs"/> and
    /// <see cref="Duration"/> are those of the whole training in any case.
    /// </summary>
    public (int Epochs, int Batches)? Resumed { get; init; }

    /// <summary>Numbers of cached features of frozen stages; null if nothing was cached.</summary>
    public FeatureCache.Report? FeatureCache { get; init; }

    /// <summary>Duration of the whole training, including earlier processes.</summary>
    public required TimeSpan Duration { get; init; }
}
