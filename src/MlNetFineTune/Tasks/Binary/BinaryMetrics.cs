namespace MlNetFineTune.Tasks;

/// <summary>The metrics of an epoch of a binary model.</summary>
internal static class BinaryMetrics
{
    public static IReadOnlyList<Metric> All { get; } = [Metric.Accuracy, Metric.AreaUnderRocCurve, Metric.F1];

    /// <param name="logits">One logit per row.</param>
    /// <param name="labels">1 for positive, 0 for negative rows.</param>
    /// <param name="threshold">A row is predicted as positive if its logit is above this value.</param>
    public static IReadOnlyDictionary<string, double> Of(float[] logits, float[] labels, float threshold)
    {
        bool[] positive = [.. labels.Select(label => label > 0.5f)];
        var counts = default(BinaryCounts);
        foreach (var (logit, isPositive) in logits.Zip(positive))
            counts = counts.With(isPositive, isPredicted: logit > threshold);
        return new Dictionary<string, double>(StringComparer.Ordinal)
        {
            [Metric.Accuracy.Name] = counts.Accuracy,
            [Metric.AreaUnderRocCurve.Name] = RankingMetrics.RocAuc(ScoreRanking.Of(logits, positive)),
            [Metric.F1.Name] = counts.F1,
        };
    }
}
