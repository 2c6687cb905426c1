using System.Globalization;

namespace MlNetFineTune;

/// <summary>How a <see cref="Predictor{TIn, TOut}"/> gathers rows into batches, and how many it lets wait.</summary>
public sealed record PredictorOptions
{
    private static readonly TimeSpan s_longestDelay = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Rows scored at once, at least 1. Null, the default: as many as the model takes in one forward pass on its device. A module's batch
    /// of more than 64 rows runs in two passes, the first of 64.
    /// </summary>
    public int? MaxBatchSize
    {
        get;
        init => field = value is null or >= 1
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "A batch has at least 1 row.");
    }

    /// <summary>
    /// How long a row may wait for others to join its batch while the model is idle: from zero to a minute, 5 ms by default. It is rarely
    /// used up: a batch begins as soon as as many rows wait as a worker's share of those under way at the end of the batch before, so a
    /// lone caller never waits. Timers have a grain of about a millisecond.
    /// </summary>
    public TimeSpan MaxDelay
    {
        get;
        init => field = value >= TimeSpan.Zero && value <= s_longestDelay
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, $"The delay must be from zero to {s_longestDelay}.");
    } = TimeSpan.FromMilliseconds(5);

    /// <summary>Rows that may wait; one more is refused with <see cref="PredictorBusyException"/>. At least 1, 256 by default.
    /// Rows being scored do not count.</summary>
    public int QueueCapacity
    {
        get;
        init => field = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "The queue holds at least 1 row.");
    } = 256;

    /// <summary>
    /// Batches under way at the same time, at least 1, 2 by default: while one is in the network another is read and decoded, and fills the
    /// gaps in which the first leaves cores idle. Those who wait are shared among the workers. Each has a thread of its own;
    /// more of them pay where much happens before the network, and cost latency where they fight for the cores.
    /// </summary>
    public int Workers
    {
        get;
        init => field = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "There is at least 1 worker.");
    } = 2;

    /// <summary>As it stands in logs.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{nameof(MaxBatchSize)} = {MaxBatchSize?.ToString(CultureInfo.InvariantCulture) ?? "the model's"}, "
            + $"{nameof(MaxDelay)} = {MaxDelay.TotalMilliseconds} ms, {nameof(QueueCapacity)} = {QueueCapacity}, "
            + $"{nameof(Workers)} = {Workers}");
}
