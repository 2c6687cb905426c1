using MlNetFineTune.Primitives;

namespace MlNetFineTune;

/// <summary>The state of a training, reported after every step and every epoch.</summary>
public sealed record TrainingProgress
{
    /// <summary>The current activity.</summary>
    public required TrainingActivity Activity { get; init; }

    /// <summary>The epoch, from 1; 0 while features are computed.</summary>
    public required int Epoch { get; init; }

    /// <summary>Number of epochs of the whole training.</summary>
    public required int Epochs { get; init; }

    /// <summary>Number of processed rows in this activity.</summary>
    public required int Rows { get; init; }

    /// <summary>Total number of rows in this activity.</summary>
    public required int TotalRows { get; init; }

    /// <summary>Mean training loss of this epoch so far; NaN before the first step.</summary>
    public required double Loss { get; init; }

    /// <summary>The last epoch's validation loss; null before the first, or without validation.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>The last epoch's other metrics, by <see cref="Metric.Name"/>; null before the first, or without validation.</summary>
    public IReadOnlyDictionary<string, double>? ValidationMetrics { get; init; }

    /// <summary>
    /// The last epoch's validation accuracy, 0 to 1; null before the first, without validation, or if the task has no
    /// <see cref="Metric.Accuracy"/>.
    /// </summary>
    public double? ValidationAccuracy =>
        ValidationMetrics?.TryGetValue(Metric.Accuracy.Name, out var value) == true ? value : null;

    /// <summary>Learning rate of the head in the last step.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Rows per second in this activity; in <see cref="TrainingActivity.EpochCompleted"/>,
    /// those of the epoch's training.</summary>
    public required double RowsPerSecond { get; init; }

    /// <summary>Time since the start of the training.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>
    /// Estimated time to the end, or to the end of the activity while features are computed; null if there is no estimate yet.
    /// </summary>
    public TimeSpan? Remaining { get; init; }

    /// <summary>Names and values as text, in the invariant culture.</summary>
    public override string ToString() => InvariantText.Of(this);
}
