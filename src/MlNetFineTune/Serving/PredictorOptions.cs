using System.Globalization;

namespace MlNetFineTune;

/// <summary>Batching and queueing of a <see cref="Predictor{TIn, TOut}"/>.</summary>
public sealed record PredictorOptions
{
    private static readonly TimeSpan s_longestDelay = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Largest number of rows in a batch, at least 1. Default null: the number of rows that the model scores in one forward pass on its
    /// device. More than 64 rows of a module are scored in two forward passes, the first of 64 rows.
    /// </summary>
    public int? MaxBatchSize
    {
        get;
        init => field = value is null or >= 1
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "A batch has at least 1 row.");
    }

    /// <summary>
    /// Longest time that a row waits for others to join its batch while the model is idle. Zero to one minute, default 5 ms. Usually the
    /// wait is shorter: a batch starts as soon as the number of waiting rows reaches a worker's share of the rows in flight at the end of
    /// the previous batch, so that a single caller never waits. Timers have a resolution of about one millisecond.
    /// </summary>
    public TimeSpan MaxDelay
    {
        get;
        init => field = value >= TimeSpan.Zero && value <= s_longestDelay
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, $"The delay must be from zero to {s_longestDelay}.");
    } = TimeSpan.FromMilliseconds(5);

    /// <summary>
    /// Capacity of the queue in rows. At least 1, default 256. A row beyond it is rejected with <see cref="PredictorBusyException"/>. Rows
    /// that are being scored do not count.
    /// </summary>
    public int QueueCapacity
    {
        get;
        init => field = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "The queue holds at least 1 row.");
    } = 256;

    /// <summary>
    /// Number of batches processed concurrently. At least 1, default 2: while one is in the network, another is read and decoded on cores
    /// that the first leaves idle. The workers share the queue; each has its own thread. More workers help if much work precedes the
    /// network, and cost latency if they compete for the cores.
    /// </summary>
    public int Workers
    {
        get;
        init => field = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "There is at least 1 worker.");
    } = 2;

    /// <summary>Names and values as text, in the invariant culture.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{nameof(MaxBatchSize)} = {MaxBatchSize?.ToString(CultureInfo.InvariantCulture) ?? "the model's"}, "
            + $"{nameof(MaxDelay)} = {MaxDelay.TotalMilliseconds} ms, {nameof(QueueCapacity)} = {QueueCapacity}, "
            + $"{nameof(Workers)} = {Workers}");
}
