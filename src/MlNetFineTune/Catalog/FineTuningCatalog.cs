using Microsoft.ML;
using MlNetFineTune.Trainers;

namespace MlNetFineTune;

/// <summary>
/// What has no home on ML.NET's own catalogs: <c>ml.FineTuning</c>. It trains any task, options can be measured before they are chosen, and
/// MlNetFineTune.Onnx adds the export.
/// </summary>
public sealed partial class FineTuningCatalog
{
    internal FineTuningCatalog(MLContext context) => Context = context;

    internal MLContext Context { get; }

    /// <summary>
    /// Trains for some steps while the learning rate rises exponentially, and suggests the middle of the slope on which the loss falls
    /// (Smith 2015, https://arxiv.org/abs/1506.01186; the suggestion is fastai's <c>valley</c>). Ends early when the smoothed loss is above
    /// 4 times its best. What is trained is thrown away; the options are not changed. All rows train, those too that would validate; of a
    /// strategy with several parts, the first is swept.
    /// </summary>
    /// <param name="data">As the trainer's <c>Fit</c> takes them.</param>
    /// <param name="options">
    /// Of the training to come: image or module options. Batch size, strategy, optimizer and augmentation count; learning rate, schedule,
    /// epochs and validation do not.
    /// </param>
    /// <param name="lowest">The first step's learning rate. Above 0. Default 1e-7.</param>
    /// <param name="highest">The last step's learning rate. Above the lowest. Default 10.</param>
    /// <param name="steps">Steps of the sweep. 20 to 10,000. Default 100.</param>
    /// <exception cref="InvalidOperationException">The loss ran away so soon that there is nothing to suggest.</exception>
    /// <exception cref="OperationCanceledException">
    /// <see cref="FineTuningOptions.CancellationToken"/> or <see cref="FineTuningOptions.StopToken"/> asked for it.
    /// </exception>
    public LearningRateSearch FindLearningRate(
        IDataView data, FineTuningOptions options, float lowest = 1e-7f, float highest = 10, int steps = 100)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(options);
        return LearningRateFinder.Find(Context, data, options, lowest, highest, steps);
    }

    /// <summary>
    /// Trains a few steps at batch sizes 2, 4, 8, ... and says how quick each is and what memory it takes; suggests the smallest that is
    /// nearly as quick as the quickest. On a CPU the next size is begun only if the memory that it will need, foretold from the ones
    /// before, is available; on a GPU one that does not fit ends the search. It ends too when two doublings in a row bring nothing, or
    /// there are not so many rows. What is trained is thrown away; the options are not changed. Kept features (<see cref="FeatureCache"/>)
    /// are not used.
    /// </summary>
    /// <param name="data">As the trainer's <c>Fit</c> takes them; read once for each size.</param>
    /// <param name="options">
    /// Of the training to come: image or module options. Accumulation, learning rate, schedule, epochs and validation do not count.
    /// </param>
    /// <param name="largest">The largest size to be tried, in rows. 2 or above. Default 256.</param>
    /// <exception cref="OperationCanceledException">
    /// <see cref="FineTuningOptions.CancellationToken"/> or <see cref="FineTuningOptions.StopToken"/> asked for it.
    /// </exception>
    public BatchSizeSearch FindBatchSize(IDataView data, FineTuningOptions options, int largest = 256)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(largest, 2);
        return BatchSizeFinder.Find(Context, data, options, largest);
    }
}
