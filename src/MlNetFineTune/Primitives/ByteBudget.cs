namespace MlNetFineTune.Primitives;

/// <summary>
/// A memory budget that all image processing of the process shares: trainings, scorings, predictors. A request for more than is
/// left waits, first come, first served; a request for more than the whole budget runs alone. A holder of a share must not request
/// another of the same one, or two could wait for each other: a picture's file comes from <see cref="Sources"/>, and then what it
/// is decoded to from <see cref="Pixels"/>.
/// </summary>
internal sealed class ByteBudget(long capacity)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Waiting> _queue = [];
    private long _used;

    /// <summary>Files, and pixels as they were given, read to be decoded or drawn.</summary>
    public static ByteBudget Sources { get; } = new(OfThisProcess());

    /// <summary>Pictures that are being decoded and resized.</summary>
    public static ByteBudget Pixels { get; } = new(OfThisProcess());

    public long Capacity => capacity;

    /// <summary>The most that was in use at once, since a test last set it back; above
    /// <see cref="Capacity"/> only where one went alone.</summary>
    public long HighWater { get; set; }

    /// <summary>Waits for its turn. The caller disposes the share when the memory is free again.</summary>
    /// <exception cref="OperationCanceledException">The wait was cancelled; no memory is reserved.</exception>
    public Share Take(long bytes, CancellationToken cancellation = default)
    {
        if (bytes <= 0)
            return default;
        var waiting = new Waiting(bytes);
        lock (_gate)
        {
            _queue.AddLast(waiting);
            Admit();
        }
        try
        {
            waiting.Turn.Task.Wait(cancellation);
            return new Share(this, bytes);
        }
        catch (OperationCanceledException)
        {
            lock (_gate)
            {
                if (!_queue.Remove(waiting))
                    _used -= bytes; // it was granted at the same moment
                Admit();
            }
            throw;
        }
    }

    private void Return(long bytes)
    {
        lock (_gate)
        {
            _used -= bytes;
            Admit();
        }
    }

    private void Admit()
    {
        while (_queue.First?.Value is { } next && (_used == 0 || _used + next.Bytes <= capacity))
        {
            _queue.RemoveFirst();
            _used += next.Bytes;
            HighWater = Math.Max(HighWater, _used);
            next.Turn.SetResult();
        }
    }

    // An eighth of the memory (of a container's limit, if any), so that both budgets leave room for networks: at most four pictures of 64
    // million pixels at once.
    private static long OfThisProcess() => Math.Clamp(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 8, 256L << 20, 1L << 30);

    /// <summary>Memory that was granted.</summary>
    internal readonly ref struct Share(ByteBudget budget, long bytes) : IDisposable
    {
        public void Dispose()
        {
            if (bytes > 0)
                budget.Return(bytes);
        }
    }

    private sealed class Waiting(long bytes)
    {
        public long Bytes { get; } = bytes;

        public TaskCompletionSource Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
