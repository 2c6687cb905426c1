using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace PhotoDesk;

/// <summary>The running training and its subscribers. A slow subscriber receives the newest state, not every one.</summary>
internal sealed class TrainingFeed
{
    private readonly Lock _lock = new();
    private readonly List<Channel<Training>> _watchers = [];
    private Training? _now;

    /// <summary>The running training; null if there is none.</summary>
    public Training? Now
    {
        get
        {
            lock (_lock)
                return _now;
        }
    }

    /// <summary>Publishes a state to all subscribers. A final state clears <see cref="Now"/>.</summary>
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

    /// <summary>Changes and publishes the running training, if there is one.</summary>
    public Training? Update(Func<Training, Training> change)
    {
        lock (_lock)
        {
            if (_now is not null)
                Publish(change(_now));
            return _now;
        }
    }

    /// <summary>Streams states from the current one to the end of the training.</summary>
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
