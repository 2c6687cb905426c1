namespace MlNetFineTune.Tasks;

/// <summary>The metrics of an epoch of a regression, in the unit of the label.</summary>
internal static class RegressionMetrics
{
    public static IReadOnlyList<Metric> All { get; } = [Metric.RootMeanSquaredError, Metric.MeanAbsoluteError, Metric.RSquared];

    /// <param name="scores">One score per row.</param>
    /// <param name="labels">Labels of the same rows.</param>
    public static IReadOnlyDictionary<string, double> Of(float[] scores, float[] labels)
    {
        var (predicted, actual) = (Array.ConvertAll(scores, score => (double)score), Array.ConvertAll(labels, label => (double)label));
        return new Dictionary<string, double>(StringComparer.Ordinal)
        {
            [Metric.RootMeanSquaredError.Name] = RegressionScores.RootMeanSquaredError(actual, predicted),
            [Metric.MeanAbsoluteError.Name] = RegressionScores.MeanAbsoluteError(actual, predicted),
            [Metric.RSquared.Name] = RegressionScores.RSquared(actual, predicted),
        };
    }
}
