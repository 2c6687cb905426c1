using MlNetFineTune.Tasks;

namespace MlNetFineTune.Reporting;

/// <summary>
/// The ROC curve of the validation rows: the false positive rate (horizontal) and the true positive rate (vertical) for every threshold,
/// with the model's threshold.
/// </summary>
/// <param name="Points">From (0, 0), where no row is predicted positive, to (1, 1), where all are.</param>
/// <param name="Area">Area under the curve, 0 to 1.</param>
/// <param name="Chosen">The two rates at the threshold.</param>
/// <param name="Probability">The threshold, as a probability.</param>
internal sealed record RocCurve(
    IReadOnlyList<(double X, double Y)> Points, double Area, (double X, double Y) Chosen, float Probability)
{
    private const int MostPoints = 400;

    /// <param name="scores">One score for each row.</param>
    /// <param name="labels">Whether each row is positive.</param>
    /// <param name="threshold">Threshold of the score.</param>
    /// <param name="probability">The threshold as a probability.</param>
    /// <returns>Null if all rows are positive or all are negative.</returns>
    public static RocCurve? Of(float[] scores, bool[] labels, float threshold, float probability)
    {
        var ranking = ScoreRanking.Of(scores, labels);
        if (!ranking.HasBoth)
            return null;
        var passing = ranking.Cuts.LastOrDefault(cut => cut.Score > threshold); // the default where no score is above the threshold
        return new(
            [(0, 0), .. ranking.Cuts.Select(PointOf)], RankingMetrics.RocAuc(ranking), PointOf(passing), probability);

        (double X, double Y) PointOf(ScoreCut cut) => (cut.FalsePositives / ranking.Negatives, cut.TruePositives / ranking.Positives);
    }

    /// <summary>The section of the report page.</summary>
    public Markup Section
    {
        get
        {
            var axis = Axis.Linear([0, 1]);
            Series[] series =
            [
                new("chance", SeriesLook.Guide, [(0, 0), (1, 1)]),
                new("", SeriesLook.First, Thin(Points)),
                new(FormattableString.Invariant($"threshold {Probability:0.###}"), SeriesLook.Second, [Chosen]),
            ];
            var chart = new Chart("True positive rate (up) against false positive rate", "false positive rate", axis, axis, series);
            return $"""
                <section><h2>ROC curve</h2>
                <p>Area under the curve {Area:0.0000}. At the probability {Probability:0.####}, above which a row is taken for true,
                {Chosen.Y * 100:0.0} % of the true rows and {Chosen.X * 100:0.0} % of the false ones pass.</p>
                <div class="charts one">{SvgChart.Of(chart)}</div></section>
                """;
        }
    }

    private static IReadOnlyList<(double X, double Y)> Thin(IReadOnlyList<(double X, double Y)> points) => points.Count <= MostPoints
        ? points
        : [.. Enumerable.Range(0, MostPoints).Select(i => points[(int)((long)i * (points.Count - 1) / (MostPoints - 1))])];
}
