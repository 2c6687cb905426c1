using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>Content hashes of rows, each computed once and only on request. The hash of a row that cannot be read is unique.</summary>
internal sealed class RowContents(Dataset rows)
{
    private ContentHash?[]? _hashes;

    /// <summary>The hash of a row for which <see cref="Compute"/> was called.</summary>
    public ContentHash this[int row] => _hashes![row]!.Value;

    public void Compute(IReadOnlyList<int> wanted, int workers, CancellationToken cancellation)
    {
        var hashes = _hashes ??= new ContentHash?[rows.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = workers, CancellationToken = cancellation };
        Parallel.ForEach(wanted.Where(row => hashes[row] is null).ToArray(), options, row => hashes[row] = rows.ContentOf(row)
            ?? ContentHash.Unique());
    }

    /// <summary>The hashes of rows for which <see cref="Compute"/> was called, one after another.</summary>
    public byte[] BytesOf(int[] rows)
    {
        var bytes = new byte[checked(rows.Length * ContentHash.Size)];
        foreach (var (place, row) in rows.Index())
            this[row].Write(bytes.AsSpan(place * ContentHash.Size));
        return bytes;
    }

    /// <summary>Takes hashes of another process, so that both know a row, even an unreadable one, by the same hash.</summary>
    /// <param name="known">The rows.</param>
    /// <param name="bytes">Their hashes, as from <see cref="BytesOf"/>.</param>
    public void Take(int[] known, ReadOnlySpan<byte> bytes)
    {
        var hashes = _hashes ??= new ContentHash?[rows.Count];
        for (var place = 0; place < known.Length; place++)
            hashes[known[place]] = ContentHash.Read(bytes[(place * ContentHash.Size)..]);
    }
}
