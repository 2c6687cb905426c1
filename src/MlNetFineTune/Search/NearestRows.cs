namespace MlNetFineTune.Search;

/// <summary>
/// The most similar rows among those added. The order is total (by similarity, then by key), so that the result does not depend on the
/// distribution of rows over threads.
/// </summary>
internal sealed class NearestRows(int count, IReadOnlyList<string> keys)
{
    private readonly PriorityQueue<int, (float Similarity, string Key)> _nearest = new(s_worstFirst);

    private static readonly Comparer<(float Similarity, string Key)> s_worstFirst = Comparer<(float Similarity, string Key)>.Create(
        (a, b) => a.Similarity != b.Similarity ? a.Similarity.CompareTo(b.Similarity) : string.CompareOrdinal(b.Key, a.Key));

    private float _worst = float.NegativeInfinity; // lowest similarity of the kept rows, once there are enough

    public void Add(int row, float similarity)
    {
        if (similarity < _worst)
            return;
        var priority = (similarity, keys[row]);
        if (_nearest.Count < count)
            _nearest.Enqueue(row, priority);
        else
            _nearest.EnqueueDequeue(row, priority);
        if (_nearest.Count == count && _nearest.TryPeek(out _, out var worst))
            _worst = worst.Similarity;
    }

    public void Add(NearestRows others)
    {
        foreach (var (row, (similarity, _)) in others._nearest.UnorderedItems)
            Add(row, similarity);
    }

    /// <summary>The rows in order, the most similar first.</summary>
    public ImageIndex.Match[] Sorted()
    {
        var matches = new ImageIndex.Match[_nearest.Count];
        for (var i = matches.Length - 1; i >= 0; i--)
        {
            _nearest.TryDequeue(out _, out var worst);
            matches[i] = new(worst.Key, Math.Clamp(worst.Similarity, -1, 1)); // a rounding error above 1
        }
        return matches;
    }
}
