using System.Globalization;

namespace MlNetFineTune;

/// <summary>Batching and queueing of a <see cref="Predictor{TIn, TOut}"/>.</summary>
public sealed record PredictorOptions
{
    private static readonly TimeSpan s_longestDelay = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Largest number of rows of a batch, at least 1. Null, the default: as many as the model takes in one forward pass on its device. A
    /// module's batch of more than 64 rows runs in two passes, the first of 64.
    /// </summary>
    public int? MaxBatchSize
    {
        get;
        init => field = value is null or >= 1
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "A batch has at least 1 row.");
    }

    /// <summary>
    /// Longest time that a row waits for others to join its batch while the model is idle: zero to one minute, 5 ms by default. Usually it
    /// is shorter: a batch starts as soon as the number of waiting rows reaches a worker's share of the rows in flight at the end of the
    /// batch before, so that a single caller never waits. Timers have a resolution of about one millisecond.
    /// </summary>
    public TimeSpan MaxDelay
    {
        get;
        init => field = value >= TimeSpan.Zero && value <= s_longestDelay
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, $"The delay must be from zero to {s_longestDelay}.");
    } = TimeSpan.FromMilliseconds(5);

    /// <summary>Capacity of the queue in rows, at least 1, 256 by default. A row beyond it is refused with
    /// <see cref="PredictorBusyException"/>. Rows that are being scored do not count.</summary>
    public int QueueCapacity
    {
        get;
        init => field = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "The queue holds at least 1 row.");
    } = 256;

    /// <summary>
    /// Number of batches processed at the same time, at least 1, 2 by default: while one is in the network, another is read and decoded on
    /// cores that the first leaves idle. Waiting rows are shared among the workers; each has its own thread. More workers help where much
    /// work happens before the network, and cost latency where they compete for the cores.
    /// </summary>
    public int Workers
    {
        get;
        init => field = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "There is at least 1 worker.");
    } = 2;

    /// <summary>Names and values, for logs.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{nameof(MaxBatchSize)} = {MaxBatchSize?.ToString(CultureInfo.InvariantCulture) ?? "the model's"}, "
            + $"{nameof(MaxDelay)} = {MaxDelay.TotalMilliseconds} ms, {nameof(QueueCapacity)} = {QueueCapacity}, "
            + $"{nameof(Workers)} = {Workers}");
}
