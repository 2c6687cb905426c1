using MlNetFineTune.MlNet;

namespace MlNetFineTune.Serving;

/// <summary>
/// A bounded queue that groups items into batches. A batch is complete when it is full; when the number of waiting items reaches a worker's
/// share of the items in flight at the end of the previous batch (callers that call in a loop have then called again); or when the first
/// item has waited for the maximum delay. A single caller thus never waits for others. Several workers share the items.
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

    /// <returns>The item's place in the queue; null where the queue is full.</returns>
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

    /// <summary>Removes the item from the queue if it is still waiting.</summary>
    public void Remove(LinkedListNode<(T Item, long Since)> place)
    {
        lock (_lock)
        {
            if (place.List is not null)
                _waiting.Remove(place);
        }
    }

    /// <summary>Waits for a batch.</summary>
    /// <param name="batch">Receives the items; its earlier content is dropped.</param>
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
                Monitor.Wait(_lock, (int)Math.Ceiling(left.TotalMilliseconds)); // rounded up: a wait of zero would spin
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

    /// <summary>Records that a batch was scored. Must be called before its callers are notified,
    /// because they may call again at once.</summary>
    public void BatchEnds(int rows)
    {
        lock (_lock)
        {
            _expected = ShareOf(_underWay + _waiting.Count);
            _underWay -= rows;
        }
    }

    /// <summary>Accepts no more items; waiting items are still taken, without delay.</summary>
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
