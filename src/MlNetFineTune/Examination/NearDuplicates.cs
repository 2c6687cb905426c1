using MlNetFineTune.Primitives;
using MlNetFineTune.Search;

namespace MlNetFineTune.Examination;

/// <summary>
/// Near-duplicates of each row: the most similar earlier row of its split, and the most similar row of the other split. Two rows and a
/// group are stored for a row, not its pairs: of a thousand equal pictures there are half a million.
/// </summary>
internal sealed class NearDuplicates
{
    private readonly Lock _lock = new();
    private readonly ExaminedRows _rows;
    private readonly UnionFind _groups;

    private NearDuplicates(ExaminedRows rows)
    {
        _rows = rows;
        _groups = new UnionFind(rows.Count);
        (Within, Across) = (new Match[rows.Count], new Match[rows.Count]);
        Array.Fill(Within, Match.None);
        Array.Fill(Across, Match.None);
    }

    /// <summary>For each row, the most similar earlier row of the same split.</summary>
    public Match[] Within { get; }

    /// <summary>For each row, the most similar row of the other split.</summary>
    public Match[] Across { get; }

    /// <summary>The group of a row: rows connected by near-duplicates of any split.</summary>
    public int GroupOf(int row) => _groups.Find(row);

    /// <param name="rows">The rows.</param>
    /// <param name="features">Features of the usable rows.</param>
    /// <param name="hashes">Perceptual hashes of all rows.</param>
    /// <param name="options">The options.</param>
    /// <param name="advance">Receives numbers of compared rows, from any thread.</param>
    public static NearDuplicates Find(
        ExaminedRows rows, RowFeatures features, Func<int, ulong> hashes, ExaminationOptions options, Action<int> advance)
    {
        var found = new NearDuplicates(rows);
        SimilarPairs.Find(features.Vectors, [.. features.Rows.Select(hashes)], options.DuplicateSimilarity, options.Workers,
            (first, second, similarity) => found.Add(features.Rows[first], features.Rows[second], similarity), advance,
            options.CancellationToken);
        return found;
    }

    private void Add(int first, int second, float similarity)
    {
        lock (_lock)
        {
            _groups.Union(first, second);
            if (_rows.InTest(first) == _rows.InTest(second))
                Within[second] = Better(Within[second], new(first, similarity));
            else
            {
                Across[first] = Better(Across[first], new(second, similarity));
                Across[second] = Better(Across[second], new(first, similarity));
            }
        }
    }

    // A total order: the result does not depend on the order of pairs.
    private static Match Better(Match known, Match other) =>
        other.Similarity > known.Similarity || (other.Similarity == known.Similarity && other.Row < known.Row) ? other : known;

    /// <param name="Row">The other row; -1 for none.</param>
    /// <param name="Similarity">The similarity.</param>
    internal readonly record struct Match(int Row, float Similarity)
    {
        public static Match None { get; } = new(-1, float.NegativeInfinity);
    }
}
