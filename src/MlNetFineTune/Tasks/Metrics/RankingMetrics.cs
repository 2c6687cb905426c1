namespace MlNetFineTune.Tasks;

/// <summary>Metrics of the ranking of rows by scores, independent of a threshold.</summary>
internal static class RankingMetrics
{
    /// <summary>
    /// The area under the ROC curve: the probability that a positive row scores higher than a negative one, with equal scores counted as
    /// one half (scikit-learn's <c>roc_auc_score</c>).
    /// </summary>
    /// <returns>From 0 to 1; NaN without rows of both classes.</returns>
    public static double RocAuc(ScoreRanking ranking)
    {
        if (!ranking.HasBoth)
            return double.NaN;
        var (area, before) = (0.0, default(ScoreCut));
        foreach (var cut in ranking.Cuts)
        {
            area += (cut.FalsePositives - before.FalsePositives) * (cut.TruePositives + before.TruePositives) / 2;
            before = cut;
        }
        return area / (ranking.Positives * ranking.Negatives);
    }

    /// <summary>
    /// Average precision: the sum over the cuts of the increase in recall times the precision, without interpolation (scikit-learn's
    /// <c>average_precision_score</c>).
    /// </summary>
    /// <returns>From 0 to 1; NaN without positive rows (scikit-learn returns 0 with a warning).</returns>
    public static double AveragePrecision(ScoreRanking ranking)
    {
        if (ranking.Positives == 0)
            return double.NaN;
        var (sum, before) = (0.0, 0.0);
        foreach (var cut in ranking.Cuts)
        {
            sum += (cut.TruePositives - before) * cut.TruePositives / (cut.TruePositives + cut.FalsePositives);
            before = cut.TruePositives;
        }
        return sum / ranking.Positives;
    }

    /// <summary>
    /// The unweighted mean of the labels' average precisions (scikit-learn's <c>average="macro"</c>), without labels whose average
    /// precision is NaN.
    /// </summary>
    /// <returns>From 0 to 1; NaN if no label has positive rows.</returns>
    public static double MeanAveragePrecision(IEnumerable<double> ofLabels) =>
        ofLabels.Where(precision => !double.IsNaN(precision)).DefaultIfEmpty(double.NaN).Average();
}
