using MlNetFineTune.MlNet;







namespace MlNetFineTune.Serving;

/// <summary>
/// Items that wait, and the rule by which they become a batch: when it is full; when as many wait as were under way at the end of the batch before, or a share of them (their callers, if they
/// call in a loop, have come again); or when the first has waited long enough. One caller at a time so never waits for company that does not come. Several workers share what is there.
/// </summary>
internal sealed class BatchQueue<T>(int capacity, int maxBatch, TimeSpan maxDelay, int workers = 1, TimeProvider? time = null)
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly object _lock = new(); // Monitor can wait, Lock cannot
    private readonly LinkedList<(T Item, long Since)> _waiting = new();
    private int _underWay;
    private int _expected = 1;
    private bool _closed;

    public int Count
    {
        get
        {
            lock (_lock)
                return _waiting.Count;
        }
    }

    public bool IsClosed
    {
        get
        {
            lock (_lock)
                return _closed;
        }
    }

    /// <returns>Its place; null where all are taken.</returns>
    /// <exception cref="ObjectDisposedException">The queue was closed.</exception>
    public LinkedListNode<(T Item, long Since)>? TryAdd(T item)
    {
        lock (_lock)
        {
            if (_closed)
                throw new ObjectDisposedException("Predictor", "The predictor was disposed.");
            if (_waiting.Count >= capacity)
                return null;
            var place = _waiting.AddLast((item, _time.GetTimestamp()));
            if (_waiting.Count == 1 || _waiting.Count >= _expected)
                Monitor.PulseAll(_lock);
            return place;
        }
    }

    /// <summary>Gives the place back, if the item still waits.</summary>
    public void Remove(LinkedListNode<(T Item, long Since)> place)
    {
        lock (_lock)
        {
            if (place.List is not null)
                _waiting.Remove(place);
        }
    }

    /// <summary>Waits for a batch.</summary>
    /// <param name="batch">Receives it, instead of what it held.</param>
    /// <returns>False when the queue is closed and empty.</returns>
    public bool Take(List<T> batch)
    {
        batch.Clear();
        lock (_lock)
        {
            while (true)
            {
                if (_waiting.First is not { } first)
                {
                    if (_closed)
                        return false;
                    Monitor.Wait(_lock);
                    continue;
                }
                var left = maxDelay - _time.GetElapsedTime(first.Value.Since);
                if (_closed || _waiting.Count >= _expected || left <= TimeSpan.Zero)
                    break;
                Monitor.Wait(_lock, (int)Math.Ceiling(left.TotalMilliseconds)); // upward: a wait of zero would spin
            }
            for (var count = Math.Max(_expected, ShareOf(_waiting.Count)); batch.Count < count && _waiting.First is { } next;)
            {
                batch.Add(next.Value.Item);
                _waiting.RemoveFirst();
            }
            _underWay += batch.Count;
        }
        return true;
    }

    /// <summary>A batch has been scored; to be said before its callers hear, who may come again at once.</summary>
    public void BatchEnds(int rows)
    {
        lock (_lock)
        {
            _expected = ShareOf(_underWay + _waiting.Count);
            _underWay -= rows;
        }
    }

    /// <summary>Nothing more comes in; what waits is still taken, without delay.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            Monitor.PulseAll(_lock);
        }
    }

    private int ShareOf(int rows) => Math.Clamp((rows + workers - 1) / workers, 1, maxBatch);
}
