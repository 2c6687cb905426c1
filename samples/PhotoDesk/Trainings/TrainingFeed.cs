using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace PhotoDesk;

/// <summary>The training of this moment, and those who watch it. A watcher who is slow sees the newest state, not every one.</summary>
internal sealed class TrainingFeed
{
    private readonly Lock _lock = new();
    private readonly List<Channel<Training>> _watchers = [];
    private Training? _now;

    /// <summary>While a training goes on; null otherwise.</summary>
    public Training? Now
    {
        get
        {
            lock (_lock)
                return _now;
        }
    }

    /// <summary>Says it to all who watch. After a training has ended there is none of the moment.</summary>
    public void Publish(Training training)
    {
        lock (_lock)
        {
            _now = training.HasEnded ? null : training;
            foreach (var watcher in _watchers)
            {
                watcher.Writer.TryWrite(training);
                if (training.HasEnded)
                    watcher.Writer.TryComplete();
            }
        }
    }

    /// <summary>Changes the training of the moment, if there is one, and says it.</summary>
    public Training? Update(Func<Training, Training> change)
    {
        lock (_lock)
        {
            if (_now is not null)
                Publish(change(_now));
            return _now;
        }
    }

    /// <summary>From the state of this moment to the end of the training.</summary>
    public async IAsyncEnumerable<Training> WatchAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        var watcher = Channel.CreateBounded<Training>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
        lock (_lock)
        {
            if (_now is null)
                yield break;
            watcher.Writer.TryWrite(_now);
            _watchers.Add(watcher);
        }
        try
        {
            await foreach (var training in watcher.Reader.ReadAllAsync(cancellation))
                yield return training;
        }
        finally
        {
            lock (_lock)
                _watchers.Remove(watcher);
        }
    }
}
