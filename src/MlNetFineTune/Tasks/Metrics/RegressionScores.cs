namespace MlNetFineTune.Tasks;

/// <summary>
/// Metrics of a regression, by scikit-learn's definitions. Without rows, or where a score or a label is NaN, they are NaN. Weights are one
/// a row, 0 or above; empty where all rows count alike.
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
    /// R squared, the coefficient of determination: 1 minus the squared errors over those of the labels' mean. 1 is perfect, 0 is no better
    /// than the mean. Where all labels are the same it is 1 for scores without error, else 0; with less than two rows it is NaN.
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
