using Microsoft.ML;

namespace MlNetFineTune;

/// <summary>
/// Options of a <see cref="HostedPredictor{TIn, TOut}"/>. Its properties can be set, because configuration is bound to them; they are
/// checked when the host starts, and read once.
/// </summary>
/// <typeparam name="TIn">A row of the model's input.</typeparam>
public sealed class HostedPredictorOptions<TIn>
    where TIn : class
{
    /// <summary>
    /// Path of the model's zip file, relative to the content root of the host. Either this or <see cref="FindModel"/> is required.
    /// </summary>
    public string? ModelPath { get; set; }

    /// <summary>
    /// Finds the path of the first model when the host starts, for applications that record elsewhere which model is served, for example
    /// in a database; they change it by <see cref="HostedPredictor{TIn, TOut}.SwitchAsync"/>. Such a file is not watched. Default null.
    /// </summary>
    public Func<string>? FindModel { get; set; }

    /// <summary>
    /// Whether the file at <see cref="ModelPath"/> is watched, and put into service when it is replaced. Default true.
    /// </summary>
    public bool WatchModel { get; set; } = true;

    /// <summary>
    /// Time between two looks at the file. A new file is loaded when two looks in succession find the same, so that one that is still
    /// being written is left alone. From 10 ms to one day, default 2 seconds.
    /// </summary>
    public TimeSpan WatchInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Largest number of rows in a batch: <see cref="PredictorOptions.MaxBatchSize"/>. Default null: as the model scores.
    /// </summary>
    public int? MaxBatchSize { get; set; }

    /// <summary>Longest time that a row waits for others: <see cref="PredictorOptions.MaxDelay"/>. Default 5 ms.</summary>
    public TimeSpan MaxDelay { get; set; } = new PredictorOptions().MaxDelay;

    /// <summary>Number of rows that can wait: <see cref="PredictorOptions.QueueCapacity"/>. Default 256.</summary>
    public int QueueCapacity { get; set; } = new PredictorOptions().QueueCapacity;

    /// <summary>Number of batches processed concurrently: <see cref="PredictorOptions.Workers"/>. Default 2.</summary>
    public int Workers { get; set; } = new PredictorOptions().Workers;

    /// <summary>
    /// A row that each model scores before it serves. One that throws at it does not come into service; a picture that cannot be read is no
    /// exception but NaN scores. Paths in it are relative to the working directory. Default null: none.
    /// </summary>
    public TIn? Example { get; set; }

    /// <summary>
    /// Reads a model from its file, for example to add transforms that are not in it. The result is disposed when its last call has
    /// ended. Default null: <c>ml.Model.Load</c>.
    /// </summary>
    public Func<MLContext, FileStream, ITransformer>? LoadModel { get; set; }
}
