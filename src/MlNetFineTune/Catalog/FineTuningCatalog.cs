using Microsoft.ML;
using MlNetFineTune.Trainers;

namespace MlNetFineTune;

/// <summary>
/// The operations of <c>ml.FineTuning</c>: training for any task, evaluation of multi-label models, and the search for a learning rate and
/// a batch size. The package MlNetFineTune.Onnx adds the export.
/// </summary>
public sealed partial class FineTuningCatalog
{
    internal FineTuningCatalog(MLContext context) => Context = context;

    internal MLContext Context { get; }

    /// <summary>
    /// Trains for some steps while the learning rate rises exponentially, and suggests a rate from the steepest part of the loss curve
    /// (Smith 2015, https://arxiv.org/abs/1506.01186; the suggestion is fastai's <c>valley</c>). Ends early when the smoothed loss exceeds
    /// 4 times its minimum. The trained network is discarded and the options are not changed. All rows are used for training, including
    /// those of validation; of a strategy with several phases, the first is used.
    /// </summary>
    /// <param name="data">The training data, as for the trainer's <c>Fit</c>.</param>
    /// <param name="options">
    /// Options of the planned training, for images or a module. Learning rate, schedule, epochs and validation are ignored.
    /// </param>
    /// <param name="lowest">Learning rate of the first step. Above 0. Default 1e-7.</param>
    /// <param name="highest">Learning rate of the last step. Above <paramref name="lowest"/>. Default 10.</param>
    /// <param name="steps">Number of steps. 20 to 10,000. Default 100.</param>
    /// <exception cref="InvalidOperationException">The loss diverged so early that no learning rate can be suggested.</exception>
    /// <exception cref="OperationCanceledException">
    /// <see cref="FineTuningOptions.CancellationToken"/> or <see cref="FineTuningOptions.StopToken"/> was cancelled.
    /// </exception>
    public LearningRateSearch FindLearningRate(
        IDataView data, FineTuningOptions options, float lowest = 1e-7f, float highest = 10, int steps = 100)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(options);
        return LearningRateFinder.Find(Context, data, options, lowest, highest, steps);
    }

    /// <summary>
    /// Trains a few steps at batch sizes 2, 4, 8, ..., measures throughput and memory of each, and suggests the smallest whose throughput
    /// is within 5 % of the best. On a CPU a size is tried only if the memory predicted for it from the sizes before is available; on a GPU
    /// a size that does not fit ends the search. The search also ends when two doublings in a row do not raise the throughput, or when the
    /// data have fewer rows. The trained network is discarded and the options are not changed. Cached features
    /// (<see cref="FeatureCache"/>) are not used.
    /// </summary>
    /// <param name="data">The training data, as for the trainer's <c>Fit</c>; read once for each size.</param>
    /// <param name="options">
    /// Options of the planned training, for images or a module. Accumulation, learning rate, schedule, epochs and validation are ignored.
    /// </param>
    /// <param name="largest">The largest batch size to try, in rows. At least 2. Default 256.</param>
    /// <exception cref="OperationCanceledException">
    /// <see cref="FineTuningOptions.CancellationToken"/> or <see cref="FineTuningOptions.StopToken"/> was cancelled.
    /// </exception>
    public BatchSizeSearch FindBatchSize(IDataView data, FineTuningOptions options, int largest = 256)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(largest, 2);
        return BatchSizeFinder.Find(Context, data, options, largest);
    }
}
