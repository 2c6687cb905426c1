namespace MlNetFineTune.Primitives;

/// <summary>Disjoint sets of numbers with path halving (Tarjan and van Leeuwen 1984). The smallest number names its set.</summary>
internal sealed class UnionFind
{
    private readonly int[] _parent;

    public UnionFind(int count)
    {
        _parent = new int[count];
        for (var i = 0; i < count; i++)
            _parent[i] = i;
    }

    /// <summary>The smallest number of the set.</summary>
    public int Find(int item)
    {
        while (_parent[item] != item)
            item = _parent[item] = _parent[_parent[item]];
        return item;
    }

    public void Union(int first, int second)
    {
        (first, second) = (Find(first), Find(second));
        _parent[Math.Max(first, second)] = Math.Min(first, second);
    }
}
