namespace MlNetFineTune.Tasks;

/// <summary>ROC and precision-recall curves of a ranking, one point for each cut, and their means over several classes.</summary>
internal static class RankingCurves
{
    /// <summary>Places on the horizontal axis of a mean curve: 0, 0.01, ..., 1.</summary>
    public const int Places = 101;

    private const double Rounding = 1e-12;

    /// <summary>
    /// False positive rate (horizontal) and true positive rate, from (0, 0), where no row is predicted positive, to (1, 1), where all are.
    /// </summary>
    /// <param name="ranking">Has rows of both classes.</param>
    public static IReadOnlyList<(double X, double Y)> Roc(ScoreRanking ranking) =>
        [(0, 0), .. ranking.Cuts.Select(cut => Roc(ranking, cut))];

    /// <summary>The point of a cut on the ROC curve.</summary>
    public static (double X, double Y) Roc(ScoreRanking ranking, ScoreCut cut) =>
        (cut.FalsePositives / ranking.Negatives, cut.TruePositives / ranking.Positives);

    /// <summary>Recall (horizontal) and precision.</summary>
    /// <param name="ranking">Has positive rows.</param>
    public static IReadOnlyList<(double X, double Y)> PrecisionRecall(ScoreRanking ranking) =>
        [.. ranking.Cuts.Select(cut => PrecisionRecall(ranking, cut))];

    /// <summary>The point of a cut on the precision-recall curve.</summary>
    public static (double X, double Y) PrecisionRecall(ScoreRanking ranking, ScoreCut cut) =>
        (cut.TruePositives / ranking.Positives, cut.TruePositives / (cut.TruePositives + cut.FalsePositives));

    /// <summary>
    /// The ROC curve at all places, with linear interpolation between cuts, and the highest value where it rises vertically. The mean of
    /// such curves is the vertical average of Fawcett 2006 (https://doi.org/10.1016/j.patrec.2005.10.010, section 8.1).
    /// </summary>
    /// <param name="points">From <see cref="Roc(ScoreRanking)"/>.</param>
    public static double[] RocAtPlaces(IReadOnlyList<(double X, double Y)> points)
    {
        var values = new double[Places];
        for (var (place, at) = (0, 0); place < Places; place++)
        {
            var x = place / (Places - 1.0);
            while (at + 1 < points.Count && points[at + 1].X <= x + Rounding)
                at++;
            values[place] = at + 1 == points.Count || Math.Abs(points[at].X - x) < Rounding
                ? points[at].Y
                : points[at].Y + (points[at + 1].Y - points[at].Y) * (x - points[at].X) / (points[at + 1].X - points[at].X);
        }
        return values;
    }

    /// <summary>
    /// The precision of the highest threshold that reaches each place's recall: the steps whose area is
    /// <see cref="RankingMetrics.AveragePrecision"/>.
    /// </summary>
    /// <param name="points">From <see cref="PrecisionRecall(ScoreRanking)"/>.</param>
    public static double[] PrecisionAtPlaces(IReadOnlyList<(double X, double Y)> points)
    {
        var values = new double[Places];
        for (var (place, at) = (0, 0); place < Places; place++)
        {
            while (at + 1 < points.Count && points[at].X < place / (Places - 1.0) - Rounding)
                at++;
            values[place] = points[at].Y;
        }
        return values;
    }
}
