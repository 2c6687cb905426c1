using System.Buffers;
using MlNetFineTune.Data;

namespace MlNetFineTune.Scoring;

/// <summary>Takes up to <see cref="Capacity"/> rows on the cursor's thread, and encodes all their views in parallel, on any.</summary>
internal sealed class EncodedBatch(RowReader rows, IReadOnlyList<Augmentation> views, int capacity) : IDisposable
{
    private static readonly ParallelOptions s_cores = new() { MaxDegreeOfParallelism = Environment.ProcessorCount };

    private readonly string?[] _reasons = new string?[capacity * views.Count];
    private readonly bool[] _isEncoded = new bool[capacity];
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(capacity * views.Count * rows.Length);

    public int Capacity { get; } = capacity;

    public int Count { get; private set; }

    public string Noun => rows.Noun;

    /// <summary>What takes and encodes the rows.</summary>
    public RowReader Rows => rows;

    /// <summary>Bytes of a row in all its views.</summary>
    public int RowLength { get; } = views.Count * rows.Length;

    /// <summary>[<see cref="Count"/>, <see cref="RowLength"/>]; those of rows that could not be read say nothing.</summary>
    public Span<byte> Bytes => _bytes.AsSpan(0, Count * RowLength);

    public void Clear() => Count = 0;

    /// <summary>Takes the cursor's present row. One that holds much memory is encoded here, so
    /// that there is never a whole batch of them.</summary>
    public void Take()
    {
        var row = Count;
        rows.Take(row);
        _isEncoded[row] = false;
        if (rows.IsLarge(row))
        {
            for (var view = 0; view < views.Count; view++)
                EncodeView(row * views.Count + view);
            rows.Release(row);
            _isEncoded[row] = true;
        }
        Count++; // last: a row that throws is not there
    }

    public void Encode()
    {
        if (Count * views.Count == 1)
            EncodeView(0);
        else
            Parallel.For(0, Count * views.Count, s_cores, EncodeView);
    }

    /// <summary>Why the i-th row taken cannot be used; null if it can.</summary>
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

    /// <summary>Gives its memory back. No row can be taken after that.</summary>
    public void Dispose()
    {
        var bytes = Interlocked.Exchange(ref _bytes, []);
        if (bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(bytes);
        rows.Dispose();
    }

    private void EncodeView(int i)
    {
        if (!_isEncoded[i / views.Count])
            _reasons[i] = rows.Encode(i / views.Count, views[i % views.Count], _bytes.AsSpan(i * rows.Length, rows.Length));
    }
}
