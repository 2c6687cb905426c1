using System.Runtime.ExceptionServices;
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
/// <param name="clock">Default: the system's.</param>
internal sealed class ScoreCache(IHost host, int length, Func<IChannel, IFeatureStore> open, TimeProvider? clock = null) : IDisposable
{
    /// <summary>New rows that make a first file at the end of a pass.</summary>
    public const int FewestRowsOfAFile = 64;

    /// <summary>New rows that make a file at the end of any pass.</summary>
    public const int MostRowsOfAFile = 4096;

    /// <summary>After this time the end of a pass completes rows however few they are: less than what counts as abandoned in a folder.
    /// </summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly TimeProvider _clock = clock ?? TimeProvider.System;
    private readonly IChannel _channel = host.Start("Feature cache");
    private IFeatureStore? _store;
    private ExceptionDispatchInfo? _failure;

    // In a folder each completion is a file of its own, and the passes of a predictor are short: their rows wait for others. The longer the
    // transformer lives, the more of them, so that files stay few.
    private int _rowsOfAFile = FewestRowsOfAFile;
    private int _pending;
    private long _firstPending; // timestamp
    private bool _refuses;
    private bool _disposed;

    /// <summary>Values of a row.</summary>
    public int Length => length;

    /// <summary>Rows that were found.</summary>
    public long Found { get; private set; }

    /// <summary>Rows that were kept.</summary>
    public long Kept { get; private set; }

    /// <summary>Opens the store, unless it is open. One that could not be opened is not tried again: its key takes a hash of all weights.
    /// </summary>
    /// <exception cref="IOException">The place of the cache cannot be used.</exception>
    public void Open()
    {
        lock (_lock)
        {
            if (!_disposed)
                OpenStore();
        }
    }

    /// <exception cref="IOException">The place of the cache cannot be used.</exception>
    public bool TryGet(ContentHash key, Span<float> values)
    {
        lock (_lock)
        {
            if (_disposed)
                return false;
            var store = OpenStore();
            try
            {
                if (!store.Contains(key))
                    return false;
                store.Get(key).CopyTo(MemoryMarshal.AsBytes(values));
                Found++;
                return true;
            }
            catch (FeatureStoreException e)
            {
                Lose(e);
                return false;
            }
        }
    }

    /// <summary>Keeps what was computed, as far as there is room. What cannot be kept is a line in the log.</summary>
    /// <param name="rows">Keys of rows, and their places among the values.</param>
    /// <param name="values">[places, <see cref="Length"/>].</param>
    /// <exception cref="IOException">The place of the cache cannot be used.</exception>
    public void Put(IReadOnlyCollection<(ContentHash Key, int Place)> rows, ReadOnlySpan<float> values)
    {
        lock (_lock)
        {
            if (_disposed || _refuses || rows.Count == 0)
                return;
            var store = OpenStore();
            try
            {
                // Asked once for all of them, since a folder asks the operating system; row by row only where not all of them fit.
                var bytes = sizeof(float) * (long)length;
                var fits = store.Refuse(rows.Count * bytes) is null;
                foreach (var (key, place) in rows)
                {
                    if (store.Contains(key))
                        continue;
                    if (!fits && store.Refuse(bytes) is { } reason)
                    {
                        Stop($"No more features are kept: {reason}.");
                        return;
                    }
                    store.Put(key, MemoryMarshal.AsBytes(values.Slice(place * length, length)));
                    if (_pending++ == 0)
                        _firstPending = _clock.GetTimestamp();
                    Kept++;
                }
            }
            catch (FeatureStoreException e)
            {
                Lose(e);
            }
        }
    }

    /// <summary>A pass over the data has ended.</summary>
    public void EndPass()
    {
        lock (_lock)
        {
            if (_disposed || _pending == 0)
                return;
            if (_pending >= _rowsOfAFile)
                _rowsOfAFile = Math.Min(2 * _rowsOfAFile, MostRowsOfAFile);
            else if (!_refuses && _clock.GetElapsedTime(_firstPending) < LongestWait)
                return;
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

    private IFeatureStore OpenStore()
    {
        _failure?.Throw();
        try
        {
            return _store ??= open(_channel);
        }
        catch (IOException e)
        {
            _failure = ExceptionDispatchInfo.Capture(e);
            throw;
        }
    }

    private void Complete()
    {
        if (_store is null || _pending == 0)
            return;
        _pending = 0;
        try
        {
            _store.Complete();
        }
        catch (FeatureStoreException e)
        {
            Lose(e);
        }
    }

    // Nothing since the last completion was kept.
    private void Lose(FeatureStoreException e)
    {
        _pending = 0;
        Stop($"No more features are kept: {e.Message}");
    }

    private void Stop(string message)
    {
        _refuses = true;
        _channel.Warning(message);
    }
}
