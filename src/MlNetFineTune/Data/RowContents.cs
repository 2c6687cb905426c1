using MlNetFineTune.Primitives;







namespace MlNetFineTune.Data;

/// <summary>What rows hold, as hashes, each computed once and only if it is asked for. What cannot be read is like nothing else.</summary>
internal sealed class RowContents(Dataset rows)
{
    private ContentHash?[]? _hashes;

    /// <summary>Of a row that was given to <see cref="Compute"/>.</summary>
    public ContentHash this[int row] => _hashes![row]!.Value;

    public void Compute(IReadOnlyList<int> wanted, int workers, CancellationToken cancellation)
    {
        var hashes = _hashes ??= new ContentHash?[rows.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = workers, CancellationToken = cancellation };
        Parallel.ForEach(wanted.Where(row => hashes[row] is null).ToArray(), options, row => hashes[row] = rows.ContentOf(row) ?? ContentHash.Unique());
    }
}
