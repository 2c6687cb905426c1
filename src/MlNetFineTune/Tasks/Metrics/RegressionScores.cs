namespace MlNetFineTune.Tasks;

/// <summary>
/// Metrics of a regression, as defined by scikit-learn, without weights. NaN without rows, or if a score or a label is NaN.
/// </summary>
internal static class RegressionScores
{
    /// <summary>mean |score - label|, in units of the label.</summary>
    public static double MeanAbsoluteError(ReadOnlySpan<double> labels, ReadOnlySpan<double> scores)
    {
        RowArguments.Check(scores.Length, labels.Length);
        var sum = 0.0;
        for (var row = 0; row < labels.Length; row++)
            sum += Math.Abs(scores[row] - labels[row]);
        return sum / labels.Length;
    }

    /// <summary>sqrt(mean (score - label)^2), in units of the label.</summary>
    public static double RootMeanSquaredError(ReadOnlySpan<double> labels, ReadOnlySpan<double> scores)
    {
        RowArguments.Check(scores.Length, labels.Length);
        return Math.Sqrt(Squares(labels, scores) / labels.Length);
    }

    /// <summary>
    /// R squared, the coefficient of determination: 1 minus the ratio of the squared errors to those of the labels' mean. If all labels are
    /// equal it is 1 for scores without error, otherwise 0; with fewer than two rows it is NaN.
    /// </summary>
    public static double RSquared(ReadOnlySpan<double> labels, ReadOnlySpan<double> scores)
    {
        RowArguments.Check(scores.Length, labels.Length);
        if (labels.Length < 2)
            return double.NaN;
        var (mean, spread) = (0.0, 0.0);
        foreach (var label in labels)
            mean += label;
        mean /= labels.Length;
        foreach (var label in labels)
            spread += (label - mean) * (label - mean);
        var errors = Squares(labels, scores);
        return spread != 0 || double.IsNaN(errors) ? 1 - errors / spread : errors == 0 ? 1 : 0;
    }

    private static double Squares(ReadOnlySpan<double> labels, ReadOnlySpan<double> scores)
    {
        var sum = 0.0;
        for (var row = 0; row < labels.Length; row++)
            sum += (scores[row] - labels[row]) * (scores[row] - labels[row]);
        return sum;
    }
}
