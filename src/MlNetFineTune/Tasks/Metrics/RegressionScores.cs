namespace MlNetFineTune.Tasks;

/// <summary>
/// Regression metrics with scikit-learn's definitions. NaN without rows, or if a score or label is NaN. Weights: one per row, at least 0;
/// empty if all are 1.
/// </summary>
internal static class RegressionScores
{
    /// <summary>mean |score - label|, in units of the label.</summary>
    public static double MeanAbsoluteError(
        ReadOnlySpan<double> labels, ReadOnlySpan<double> scores, ReadOnlySpan<float> weights = default)
    {
        RowArguments.Check(scores.Length, labels.Length, weights);
        var (sum, total) = (0.0, 0.0);
        for (var row = 0; row < labels.Length; row++)
        {
            if (WeightOf(row, weights) is > 0 and var weight)
                (sum, total) = (sum + weight * Math.Abs(scores[row] - labels[row]), total + weight);
        }
        return sum / total;
    }

    /// <summary>sqrt(mean (score - label)^2), in units of the label.</summary>
    public static double RootMeanSquaredError(
        ReadOnlySpan<double> labels, ReadOnlySpan<double> scores, ReadOnlySpan<float> weights = default)
    {
        RowArguments.Check(scores.Length, labels.Length, weights);
        var (sum, total) = Squares(labels, scores, weights);
        return Math.Sqrt(sum / total);
    }

    /// <summary>
    /// R squared, the coefficient of determination: 1 minus the ratio of the squared errors to those of the labels' mean. If all labels are
    /// equal it is 1 for scores without error, otherwise 0; with fewer than two rows it is NaN.
    /// </summary>
    public static double RSquared(ReadOnlySpan<double> labels, ReadOnlySpan<double> scores, ReadOnlySpan<float> weights = default)
    {
        RowArguments.Check(scores.Length, labels.Length, weights);
        var (mean, total, rows) = (0.0, 0.0, 0);
        for (var row = 0; row < labels.Length; row++)
        {
            if (WeightOf(row, weights) is > 0 and var weight)
                (mean, total, rows) = (mean + weight * labels[row], total + weight, rows + 1);
        }
        if (rows < 2)
            return double.NaN;
        mean /= total;
        var spread = 0.0;
        for (var row = 0; row < labels.Length; row++)
        {
            if (WeightOf(row, weights) is > 0 and var weight)
                spread += weight * (labels[row] - mean) * (labels[row] - mean);
        }
        var (errors, _) = Squares(labels, scores, weights);
        return spread != 0 || double.IsNaN(errors) ? 1 - errors / spread : errors == 0 ? 1 : 0;
    }

    private static (double Sum, double Total) Squares(
        ReadOnlySpan<double> labels, ReadOnlySpan<double> scores, ReadOnlySpan<float> weights)
    {
        var (sum, total) = (0.0, 0.0);
        for (var row = 0; row < labels.Length; row++)
        {
            if (WeightOf(row, weights) is > 0 and var weight)
                (sum, total) = (sum + weight * (scores[row] - labels[row]) * (scores[row] - labels[row]), total + weight);
        }
        return (sum, total);
    }

    private static double WeightOf(int row, ReadOnlySpan<float> weights) => weights.IsEmpty ? 1 : weights[row];
}
