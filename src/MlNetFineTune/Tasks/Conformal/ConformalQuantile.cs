namespace MlNetFineTune.Tasks;

/// <summary>
/// The quantile of split conformal prediction: of n exchangeable calibration scores the ceil((n + 1) c)-th smallest. A new score from the
/// same source is at most this value with a probability of at least c, and at most c + 1 / (n + 1) if the scores are distinct (Lei et al.
/// 2018; Angelopoulos and Bates 2021, appendix D).
/// </summary>
internal static class ConformalQuantile
{
    /// <param name="scores">Scores of the calibration rows, in any order; NaN counts as the largest.</param>
    /// <param name="coverage">c. Above 0, below 1.</param>
    /// <returns>Infinity if the scores are fewer than <see cref="RowsNeeded"/>.</returns>
    public static float Of(IEnumerable<float> scores, float coverage)
    {
        float[] sorted = [.. scores.Select(score => float.IsNaN(score) ? float.PositiveInfinity : score).Order()];
        var rank = RankOf(sorted.Length, coverage);
        return rank <= sorted.Length ? sorted[rank - 1] : float.PositiveInfinity;
    }

    /// <summary>The rank from 1; above <paramref name="rows"/> if there are too few.</summary>
    // In decimal: 0.95f means 0.95, and (19 + 1) * 0.95 is exactly 19.
    public static int RankOf(int rows, float coverage) => (int)Math.Ceiling((rows + 1) * (decimal)coverage);

    /// <summary>The smallest number of calibration rows with a finite quantile.</summary>
    public static int RowsNeeded(float coverage) => (int)Math.Ceiling((decimal)coverage / (1 - (decimal)coverage));
}
