using System.Numerics.Tensors;
using MlNetFineTune.Search;

namespace MlNetFineTune.Labeling;

/// <summary>
/// The greedy 2-approximation of the k-center problem (Gonzalez 1985, https://doi.org/10.1016/0304-3975(85)90224-5), which Sener and
/// Savarese 2018 (https://arxiv.org/abs/1708.00489, algorithm 1) use to select a core-set: the next center is the row farthest from its
/// nearest center. Distances are of unit vectors, on which Euclidean and cosine distance rank alike. Among equally distant rows the first
/// is chosen, so that the result does not depend on threads. Time: centers x rows x numbers.
/// </summary>
internal sealed class KCenterGreedy
{
    private const float Taken = float.PositiveInfinity;

    private readonly UnitVectors _rows;
    private readonly float[] _similarity; // to the nearest center; Taken if the row is one
    private readonly int[] _nearest; // index of the nearest center
    private readonly List<(string Key, bool IsLabeled)> _centers = [];

    private KCenterGreedy(UnitVectors rows)
    {
        (_rows, _similarity, _nearest) = (rows, new float[rows.Count], new int[rows.Count]);
        Array.Fill(_similarity, -1);
    }

    /// <summary>A chosen row.</summary>
    /// <param name="Row">Index of the row in the pool.</param>
    /// <param name="Distance">Cosine distance from the nearest center before it, 0 to 2.</param>
    /// <param name="Reason">The same in words.</param>
    public readonly record struct Center(int Row, float Distance, string Reason);

    /// <param name="pool">The rows to choose from, with features.</param>
    /// <param name="labeled">The centers at the beginning, with features.</param>
    /// <param name="count">Maximum number of rows to choose.</param>
    /// <param name="cancellation">Cancels the choice.</param>
    /// <returns>In the order chosen, by descending distance.</returns>
    public static IReadOnlyList<Center> Choose(LabelingRows pool, LabelingRows labeled, int count, CancellationToken cancellation)
    {
        var greedy = new KCenterGreedy(pool.Features);
        for (var row = 0; row < labeled.Count; row++)
        {
            cancellation.ThrowIfCancellationRequested();
            greedy.AddCenter(labeled.Features[row].ToArray(), labeled.Keys[row], isLabeled: true);
        }
        var chosen = new List<Center>();
        while (chosen.Count < Math.Min(count, pool.Count))
        {
            cancellation.ThrowIfCancellationRequested();
            var next = greedy._centers.Count == 0
                ? new Center(greedy.MostCentral(), 2, "no row is labelled yet, and this one is nearest to the mean")
                : greedy.Farthest();
            chosen.Add(next);
            greedy.AddCenter(pool.Features[next.Row].ToArray(), pool.Keys[next.Row], isLabeled: false);
            greedy._similarity[next.Row] = Taken;
        }
        return chosen;
    }

    private void AddCenter(float[] unit, string key, bool isLabeled)
    {
        var center = _centers.Count;
        _centers.Add((key, isLabeled));
        _rows.ForEachBlock(() => 0, (begin, end, _) =>
        {
            for (var row = begin; row < end; row++)
            {
                if (_similarity[row] < Taken && _rows.SimilarityOf(row, unit) is var similarity
                    && (similarity > _similarity[row] || center == 0))
                {
                    (_similarity[row], _nearest[row]) = (Math.Clamp(similarity, -1, 1), center); // a rounding error above 1
                }
            }
        }, _ => { });
    }

    private Center Farthest()
    {
        var row = TensorPrimitives.IndexOfMin<float>(_similarity); // the first of equal ones
        var (key, isLabeled) = _centers[_nearest[row]];
        var distance = 1 - _similarity[row];
        return new(row, distance, FormattableString.Invariant($"cosine distance {distance:0.000} from {SafeText.Quoted(key)}, ")
            + $"the nearest row that is {(isLabeled ? "labelled" : "ranked before it")}");
    }

    private int MostCentral()
    {
        var mean = new float[_rows[0].Length];
        for (var row = 0; row < _rows.Count; row++)
            TensorPrimitives.Add<float>(mean, _rows[row], mean);
        var unit = new float[mean.Length];
        if (!UnitVectors.TryNormalize(mean, unit))
            return 0; // the vectors cancel each other
        var best = 0;
        for (var row = 1; row < _rows.Count; row++)
        {
            if (_rows.SimilarityOf(row, unit) > _rows.SimilarityOf(best, unit))
                best = row;
        }
        return best;
    }
}
