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
    /// <param name="Loss">Mean training loss over the epoch's rows, by their weights within each step; that of the mixed labels with
    /// <see cref="Augmentation.MixUp"/> or <see cref="Augmentation.CutMix"/>, with the teacher's part where there is one.</param>
    /// <param name="ValidationLoss">Mean loss over all validation rows, by their weights and their classes' and without label smoothing;
    /// null without validation.</param>
    /// <param name="LearningRate">Learning rate of the head in the last step.</param>
    /// <param name="Seconds">Duration of the epoch with its validation, in seconds.</param>
    public sealed record EpochReport(int Epoch, double Loss, double? ValidationLoss, double LearningRate, double Seconds)
    {
        /// <summary>
        /// The task's other metrics over all validation rows, by <see cref="Metric.Name"/>; empty without validation.
        /// </summary>
        public IReadOnlyDictionary<string, double> Metrics { get; init => field = MetricValues.Of(value); } = MetricValues.None;

        /// <summary>Share of all validation rows that were right, 0 to 1;
        /// null without validation, and where there are no classes.</summary>
        [JsonIgnore]
        public double? ValidationAccuracy => Metrics.TryGetValue(Metric.Accuracy.Name, out var value) ? value : null;

        /// <summary>
        /// Root of the mean squared error over all validation rows, in units of the label;
        /// null without validation, and where there are classes.
        /// </summary>
        [JsonIgnore]
        public double? ValidationRootMeanSquaredError =>
            Metrics.TryGetValue(Metric.RootMeanSquaredError.Name, out var value) ? value : null;

        /// <summary>Names and values, with the same numbers in every culture.</summary>
        public override string ToString() => InvariantText.Of(this);
    }

    /// <summary>Why a training ended.</summary>
    public enum EndReason
    {
        /// <summary>All epochs were run.</summary>
        Completed,

        /// <summary>The validation had not improved for the epochs of <see cref="FineTuningOptions.EarlyStoppingPatience"/>.</summary>
        EarlyStopped,

        /// <summary><see cref="FineTuningOptions.StopToken"/> asked for the best model so far.</summary>
        Stopped,

        /// <summary><see cref="FineTuningOptions.TimeBudget"/> was spent.</summary>
        TimeBudgetSpent,

        /// <summary>The training diverged, and <see cref="Divergence.ReturnBest"/> gave the best epoch before.</summary>
        Diverged,
    }

    /// <summary>
    /// An average of several epochs' weights: <see cref="WeightAveraging.BestCheckpoints"/>, <see cref="WeightAveraging.WiseFt"/>.
    /// </summary>
    /// <param name="Epochs">The averaged epochs, from 1, in ascending order.</param>
    /// <param name="ValidationLoss">Validation loss of the average.</param>
    public sealed record AveragedEpochs(IReadOnlyList<int> Epochs, double ValidationLoss)
    {
        /// <summary>Share of each epoch in the average; their sum is 1.</summary>
        public IReadOnlyList<double> Shares { get; init; } = [.. Enumerable.Repeat(1.0 / Epochs.Count, Epochs.Count)];

        /// <summary>The task's other metrics of the average, by <see cref="Metric.Name"/>.</summary>
        public IReadOnlyDictionary<string, double> Metrics { get; init => field = MetricValues.Of(value); } = MetricValues.None;

        /// <summary>Names and values, with the same numbers in every culture.</summary>
        public override string ToString() => InvariantText.Of(this);
    }

    /// <summary>The completed epochs, in order.</summary>
    public required IReadOnlyList<EpochReport> Epochs { get; init; }

    /// <summary>The epoch whose weights the model has, from 1; 0 if the training was stopped before one was complete.</summary>
    public required int BestEpoch { get; init; }

    /// <summary>Set where the model has the average of several epochs' weights instead of those of <see cref="BestEpoch"/>.</summary>
    public AveragedEpochs? Averaged { get; init; }

    /// <summary>Result of the calibration; null where <see cref="Calibration.None"/> was set,
    /// or no epoch was complete.</summary>
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

    /// <summary>Rows of the training data that were left out because their picture could not be read.</summary>
    public required IReadOnlyList<BadRows.Row> BadRows { get; init; }

    /// <summary>Rows of a <see cref="ValidationData.Set"/> that were left out because their picture could not be read,
    /// by their position in that set.</summary>
    public required IReadOnlyList<BadRows.Row> ValidationBadRows { get; init; }

    /// <summary>Number of rows that were left out because their label was missing.</summary>
    public required int RowsWithoutLabel { get; init; }

    /// <summary>Number of parameters (single numbers) that trained.</summary>
    public required long TrainedParameters { get; init; }

    /// <summary>Number of parameters (single numbers) that did not change.</summary>
    public required long FrozenParameters { get; init; }

    /// <summary>
    /// The layers of the network from input to output, the head last: their sizes, how much of each trained, and at which learning rates.
    /// </summary>
    public IReadOnlyList<ModelLayer> Layers { get; init; } = [];

    /// <summary>Names of the stages that trained, in the order of the network. The head is not listed.</summary>
    public required IReadOnlyList<string> TrainedStages { get; init; }

    /// <summary>
    /// Where the training went on from a checkpoint that an earlier <c>Fit</c> had left (<see cref="FineTuningOptions.Checkpoint"/>); null
    /// where it began at the beginning. <c>Epochs</c> were complete in the checkpoint, and the training went on in the next: all of them,
    /// where it had been finished and the model came from the checkpoint at once. <c>Batches</c> of that next epoch had been trained
    /// before: 0 or above; <see cref="FineTuningOptions.AccumulationSteps"/> of them make a step of the optimizer. <see cref="Epochs"/> and
    /// <see cref="Duration"/> are those of the whole training either way.
    /// </summary>
    public (int Epochs, int Batches)? Resumed { get; init; }

    /// <summary>What the frozen stages computed once for all epochs; null where nothing of them was kept.</summary>
    public FeatureCache.Report? FeatureCache { get; init; }

    /// <summary>Duration of the whole training.</summary>
    public required TimeSpan Duration { get; init; }
}
