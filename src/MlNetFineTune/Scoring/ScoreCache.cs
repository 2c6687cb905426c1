using System.Runtime.InteropServices;
using Microsoft.ML.Runtime;
using MlNetFineTune.Primitives;
using MlNetFineTune.Training;

namespace MlNetFineTune.Scoring;

/// <summary>
/// What was computed for rows before, by the hash of their contents. Of one transformer and all its cursors: safe for several threads.
/// Opened when it is first needed.
/// </summary>
/// <param name="host">Of the transformer.</param>
/// <param name="length">Values of a row.</param>
/// <param name="open">Opens the store, which is disposed here.</param>
internal sealed class ScoreCache(IHost host, int length, Func<IChannel, IFeatureStore> open) : IDisposable
{
    // Fewer new rows stay unfinished at the end of a pass: each completion is a file of its own in a folder, and a predictor's passes are
    // short.
    private const int RowsOfAFile = 64;

    private readonly Lock _lock = new();

    // Put since the last completion, which alone makes them readable.
    private readonly HashSet<ContentHash> _pending = [];
    private readonly IChannel _channel = host.Start("Feature cache");
    private IFeatureStore? _store;
    private bool _refuses;
    private bool _disposed;

    /// <summary>Values of a row.</summary>
    public int Length => length;

    /// <summary>Rows that were found.</summary>
    public long Found { get; private set; }

    /// <summary>Rows that were kept.</summary>
    public long Kept { get; private set; }

    /// <exception cref="IOException">The place of the cache cannot be used.</exception>
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

    /// <summary>Keeps what was computed, if there is room. What cannot be kept is a line in the log.</summary>
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

    /// <summary>A pass over the data has ended.</summary>
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
