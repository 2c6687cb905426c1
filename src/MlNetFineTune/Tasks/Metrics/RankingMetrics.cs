namespace MlNetFineTune.Tasks;

/// <summary>How well scores rank the positive rows before the others, whatever the threshold.</summary>
internal static class RankingMetrics
{
    /// <summary>
    /// The area under the ROC curve: the probability that a positive row scores higher than a negative one, where equal scores count half
    /// (scikit-learn's <c>roc_auc_score</c>).
    /// </summary>
    /// <returns>From 0 to 1; NaN where rows of one kind are missing, and the curve does not exist.</returns>
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
    /// Average precision: the sum over the cuts of the gain in recall times the precision there, without interpolation (scikit-learn's
    /// <c>average_precision_score</c>).
    /// </summary>
    /// <returns>From 0 to 1; NaN where no row is positive, and there is no recall (scikit-learn gives 0 and a warning).</returns>
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
    /// The plain mean of the average precisions of the labels (scikit-learn's <c>average="macro"</c>). Labels without positive rows, whose
    /// average precision is NaN, are left out.
    /// </summary>
    /// <returns>From 0 to 1; NaN where no label has positive rows.</returns>
    public static double MeanAveragePrecision(IEnumerable<double> ofLabels) =>
        ofLabels.Where(precision => !double.IsNaN(precision)).DefaultIfEmpty(double.NaN).Average();
}
