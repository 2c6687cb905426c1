namespace MlNetFineTune.Tasks;

/// <summary>The ROC and precision-recall curves of the validation rows for every threshold, with the model's threshold.</summary>
/// <param name="Ranking">The rows by score, of both classes.</param>
/// <param name="Chosen">The cut of the threshold; the default if no row is above it.</param>
/// <param name="Probability">The threshold, as a probability.</param>
internal sealed record BinaryCurves(ScoreRanking Ranking, ScoreCut Chosen, float Probability)
{
    /// <param name="scores">Logits of the rows.</param>
    /// <param name="labels">Whether each row is positive.</param>
    /// <param name="threshold">Decision threshold of the score.</param>
    /// <returns>Null if all rows are positive or all are negative.</returns>
    public static BinaryCurves? Of(float[] scores, bool[] labels, float threshold)
    {
        var ranking = ScoreRanking.Of(scores, labels);
        return ranking.HasBoth
            ? new(ranking, ranking.Cuts.LastOrDefault(cut => cut.Score > threshold), BinaryTask.ProbabilityOf(threshold))
            : null;
    }

    /// <summary>The charts of the report.</summary>
    public ReportSection Section
    {
        get
        {
            var chosen = RankingCurves.Roc(Ranking, Chosen);
            var name = FormattableString.Invariant($"threshold {Probability:0.###}");
            // Without a predicted row there is no precision.
            Series[] ofPrecision = Chosen.TruePositives + Chosen.FalsePositives > 0
                ? [new(name, SeriesLook.Second, [RankingCurves.PrecisionRecall(Ranking, Chosen)])]
                : [];
            return new(RankingCharts.Title,
            [
                new ReportBlock.Paragraph(FormattableString.Invariant(
                    $"Area under the ROC curve {RankingMetrics.RocAuc(Ranking):0.0000}, ")
                    + FormattableString.Invariant($"average precision {RankingMetrics.AveragePrecision(Ranking):0.0000}. ")
                    + FormattableString.Invariant($"At the probability {Probability:0.####}, above which a row is taken for true, ")
                    + FormattableString.Invariant(
                        $"{chosen.Y * 100:0.0} % of the true rows and {chosen.X * 100:0.0} % of the false ones pass.")),
                new ReportBlock.Charts(
                    RankingCharts.Roc(
                        RankingCharts.Curve("", SeriesLook.First, RankingCurves.Roc(Ranking)), new(name, SeriesLook.Second, [chosen])),
                    RankingCharts.PrecisionRecall(title: null, Ranking.Positives / (Ranking.Positives + Ranking.Negatives),
                        [RankingCharts.Curve("", SeriesLook.First, RankingCurves.PrecisionRecall(Ranking)), .. ofPrecision])),
            ]);
        }
    }
}
