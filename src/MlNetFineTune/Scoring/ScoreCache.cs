using System.Runtime.InteropServices;
using Microsoft.ML.Runtime;
using MlNetFineTune.Primitives;
using MlNetFineTune.Training;

namespace MlNetFineTune.Scoring;

/// <summary>
/// Cached outputs of rows by the hash of their contents, shared by all cursors of one transformer. Thread-safe. Opened on first use.
/// </summary>
/// <param name="host">Host of the transformer.</param>
/// <param name="length">Number of values per row.</param>
/// <param name="open">Opens the store, which this object disposes.</param>
internal sealed class ScoreCache(IHost host, int length, Func<IChannel, IFeatureStore> open) : IDisposable
{
    // With fewer new rows a pass does not complete the store at its end: each completion writes a file in a folder, and a predictor's
    // passes are short.
    private const int RowsOfAFile = 64;

    private readonly Lock _lock = new();

    // Rows added since the last completion; they cannot be read before the next one.
    private readonly HashSet<ContentHash> _pending = [];
    private readonly IChannel _channel = host.Start("Feature cache");
    private IFeatureStore? _store;
    private bool _refuses;
    private bool _disposed;

    /// <summary>Number of values per row.</summary>
    public int Length => length;

    /// <summary>Number of rows found in the cache.</summary>
    public long Found { get; private set; }

    /// <summary>Number of rows added to the cache.</summary>
    public long Kept { get; private set; }

    /// <exception cref="IOException">The folder of the cache cannot be used.</exception>
    public bool TryGet(ContentHash key, Span<float> values)
    {
        lock (_lock)
        {
            if (_disposed || _pending.Contains(key) || !Store.Contains(key))
                return false;
            Store.Get(key).CopyTo(MemoryMarshal.AsBytes(values));
            Found++;
            return true;
        }
    }

    /// <summary>Stores computed values, if there is room. Failures are logged.</summary>
    public void Put(ContentHash key, ReadOnlySpan<float> values)
    {
        lock (_lock)
        {
            if (_disposed || _refuses || _pending.Contains(key) || Store.Contains(key))
                return;
            if (Store.Refuse(sizeof(float) * length) is { } reason)
            {
                Stop($"No more features are kept: {reason}.");
                return;
            }
            try
            {
                Store.Put(key, MemoryMarshal.AsBytes(values));
                _pending.Add(key);
                Kept++;
            }
            catch (FeatureStoreException e)
            {
                _pending.Clear();
                Stop($"No more features are kept: {e.Message}");
            }
        }
    }

    /// <summary>Called at the end of a pass over the data.</summary>
    public void EndPass()
    {
        lock (_lock)
        {
            if (_pending.Count >= RowsOfAFile || _store is MemoryFeatureStore)
                Complete();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            Complete();
            _disposed = true;
            _store?.Dispose();
            _channel.Dispose();
        }
    }

    private IFeatureStore Store => _store ??= open(_channel);

    private void Complete()
    {
        if (_store is null || _pending.Count == 0)
            return;
        _pending.Clear();
        try
        {
            _store.Complete();
        }
        catch (FeatureStoreException e)
        {
            Stop($"No more features are kept: {e.Message}");
        }
    }

    private void Stop(string message)
    {
        _refuses = true;
        _channel.Warning(message);
    }
}
