using Microsoft.ML.Data;
using MlNetFineTune;

namespace Microsoft.ML;

// F1 scores from ML.NET's multiclass metrics, which have none.
public static partial class FineTuningExtensions
{
    /// <summary>
    /// Precision, recall and F1 from the confusion matrix. Rows whose score is missing (NaN, a picture that could not be read) are not in
    /// the matrix, because ML.NET's evaluator drops them: all its metrics are then too good. The log of scoring has their number.
    /// </summary>
    /// <param name="metrics">The result of <c>MulticlassClassification.Evaluate</c>.</param>
    public static F1Scores F1(this MulticlassClassificationMetrics metrics)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        return F1Scores.Of([.. metrics.ConfusionMatrix.Counts.Select(row => row.ToArray())]);
    }
}
