using System.Buffers;
using MlNetFineTune.Data;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Scoring;

/// <summary>
/// Reads up to <see cref="Capacity"/> rows on the cursor's thread, and encodes all their views in parallel on any threads. Rows whose
/// scores are known are not encoded.
/// </summary>
/// <param name="rows">Reader of the rows.</param>
/// <param name="views">Views of each row.</param>
/// <param name="capacity">Maximum number of rows.</param>
/// <param name="cache">Cached scores; null without a cache.</param>
internal sealed class EncodedBatch(RowReader rows, IReadOnlyList<Augmentation> views, int capacity, ScoreCache? cache = null) : IDisposable
{
    private static readonly ParallelOptions s_cores = new() { MaxDegreeOfParallelism = Environment.ProcessorCount };

    private readonly string?[] _reasons = new string?[capacity * views.Count];
    private readonly bool[] _isEncoded = new bool[capacity];
    private readonly ContentHash?[] _keys = new ContentHash?[cache is null ? 0 : capacity];
    private readonly bool[] _isKnown = new bool[capacity];
    private readonly float[] _known = new float[cache is null ? 0 : capacity * cache.Length];
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(capacity * views.Count * rows.Length);

    public int Capacity { get; } = capacity;

    public int Count { get; private set; }

    public string Noun => rows.Noun;

    /// <summary>What takes and encodes the rows.</summary>
    public RowReader Rows => rows;

    /// <summary>Bytes of a row with all its views.</summary>
    public int RowLength { get; } = views.Count * rows.Length;

    /// <summary>[<see cref="Count"/>, <see cref="RowLength"/>]; the bytes of rows that could not be read are undefined.</summary>
    public Span<byte> Bytes => _bytes.AsSpan(0, Count * RowLength);

    public void Clear() => Count = 0;

    /// <summary>Reads the cursor's current row. A large row is encoded at once, so that a whole batch of them is never in memory.</summary>
    public void Take()
    {
        var row = Count;
        rows.Take(row);
        _isEncoded[row] = false;
        _isKnown[row] = false;
        if (rows.IsLarge(row))
        {
            Find(row);
            for (var view = 0; view < views.Count; view++)
                EncodeView(row * views.Count + view);
            rows.Release(row);
            _isEncoded[row] = true;
        }
        Count++; // last: a row that throws is not counted
    }

    public void Encode()
    {
        if (cache is not null && Count > 0)
        {
            cache.Open(); // on this thread, which gets its error as it is
            Parallel.For(0, Count, s_cores, Find);
        }
        if (Count * views.Count == 1)
            EncodeView(0);
        else
            Parallel.For(0, Count * views.Count, s_cores, EncodeView);
    }

    /// <summary>The cached scores of the i-th row; empty if they must be computed.</summary>
    public ReadOnlySpan<float> KnownScoresOf(int i) => _isKnown[i] ? KnownOf(i) : [];

    /// <summary>The cache key of the i-th row's scores; null if they are not cached.</summary>
    public ContentHash? KeyOf(int i) => cache is null ? null : _keys[i];

    /// <summary>The reason why the i-th row cannot be used; null if it can.</summary>
    public string? ReasonOf(int i)
    {
        foreach (var reason in _reasons.AsSpan(i * views.Count, views.Count))
        {
            if (reason is not null)
                return reason;
        }
        return null;
    }

    /// <summary>Name of the i-th row of the batch in messages.</summary>
    public string Describe(int i) => rows.Describe(i);

    /// <summary>Releases the buffers. No row can be read after that.</summary>
    public void Dispose()
    {
        var bytes = Interlocked.Exchange(ref _bytes, []);
        if (bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(bytes);
        rows.Dispose();
    }

    private Span<float> KnownOf(int row) => _known.AsSpan(row * cache!.Length, cache.Length);

    private void Find(int row)
    {
        if (cache is null || _isEncoded[row])
            return;
        _keys[row] = rows.ContentOf(row);
        _isKnown[row] = _keys[row] is { } key && cache.TryGet(key, KnownOf(row));
        if (_isKnown[row])
            _reasons.AsSpan(row * views.Count, views.Count).Clear();
    }

    private void EncodeView(int i)
    {
        if (!_isEncoded[i / views.Count] && !_isKnown[i / views.Count])
            _reasons[i] = rows.Encode(i / views.Count, views[i % views.Count], _bytes.AsSpan(i * rows.Length, rows.Length));
    }
}
