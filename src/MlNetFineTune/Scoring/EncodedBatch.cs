using System.Buffers;
using MlNetFineTune.Augmentations;
using MlNetFineTune.Rows;

namespace MlNetFineTune.Scoring;

/// <summary>Takes up to <see cref="Capacity"/> rows on the cursor's thread, and encodes all their views in parallel, on any.</summary>
internal sealed class EncodedBatch(RowReader rows, IReadOnlyList<Augmentation> views, int capacity) : IDisposable
{
    private readonly string?[] _reasons = new string?[capacity * views.Count];
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(capacity * views.Count * rows.Length);

    public int Capacity { get; } = capacity;

    public int Count { get; private set; }

    public string Noun => rows.Noun;

    /// <summary>Bytes of a row in all its views.</summary>
    public int RowLength { get; } = views.Count * rows.Length;

    /// <summary>[<see cref="Count"/>, <see cref="RowLength"/>]; those of rows that could not be read say nothing.</summary>
    public Span<byte> Bytes => _bytes.AsSpan(0, Count * RowLength);

    public void Clear() => Count = 0;

    public void Take()
    {
        rows.Take(Count);
        Count++; // a row that throws is not there
    }

    public void Encode()
    {
        if (Count * views.Count == 1)
            EncodeView(0);
        else
            Parallel.For(0, Count * views.Count, EncodeView);
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

    /// <summary>What to call the i-th row taken in a message.</summary>
    public string Describe(int i) => rows.Describe(i);

    /// <summary>Gives its memory back. No row can be taken after that.</summary>
    public void Dispose()
    {
        var bytes = Interlocked.Exchange(ref _bytes, []);
        if (bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(bytes);
        rows.Dispose();
    }

    private void EncodeView(int i) =>
        _reasons[i] = rows.Encode(i / views.Count, views[i % views.Count], _bytes.AsSpan(i * rows.Length, rows.Length));
}
