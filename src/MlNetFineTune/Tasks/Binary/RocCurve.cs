namespace MlNetFineTune.Tasks;

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

    /// <param name="scores">Logits of the rows.</param>
    /// <param name="labels">Whether each row is positive.</param>
    /// <param name="threshold">Decision threshold of the score.</param>
    /// <returns>Null if all rows are positive or all are negative.</returns>
    public static RocCurve? Of(float[] scores, bool[] labels, float threshold)
    {
        var ranking = ScoreRanking.Of(scores, labels);
        if (!ranking.HasBoth)
            return null;
        var passing = ranking.Cuts.LastOrDefault(cut => cut.Score > threshold); // the default where no score is above the threshold
        return new(
            [(0, 0), .. ranking.Cuts.Select(PointOf)], RankingMetrics.RocAuc(ranking), PointOf(passing),
            BinaryTask.ProbabilityOf(threshold));

        (double X, double Y) PointOf(ScoreCut cut) => (cut.FalsePositives / ranking.Negatives, cut.TruePositives / ranking.Positives);
    }

    /// <summary>The chart of the report.</summary>
    public ReportSection Section
    {
        get
        {
            var axis = Axis.Linear([0, 1]);
            Series[] series =
            [
                new("chance", SeriesLook.Guide, [(0, 0), (1, 1)]),
                new("", SeriesLook.First, Points.Thin(MostPoints)),
                new(FormattableString.Invariant($"threshold {Probability:0.###}"), SeriesLook.Second, [Chosen]),
            ];
            var chart = new Chart("True positive rate (up) against false positive rate", "false positive rate", axis, axis, series);
            return new("ROC curve",
            [
                new ReportBlock.Paragraph(FormattableString.Invariant(
                    $"Area under the curve {Area:0.0000}. At the probability {Probability:0.####}, above which a row is taken for true, ")
                    + FormattableString.Invariant(
                        $"{Chosen.Y * 100:0.0} % of the true rows and {Chosen.X * 100:0.0} % of the false ones pass.")),
                new ReportBlock.Charts(chart),
            ]);
        }
    }
}
