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
}
