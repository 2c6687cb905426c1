using Microsoft.ML.Data;
using MlNetFineTune;

namespace Microsoft.ML;

// F1 scores from ML.NET's multiclass metrics, which have none.
public static partial class FineTuningExtensions
{
    /// <summary>
    /// Precision, recall and F1 from the confusion matrix. Rows whose score is missing (NaN, a picture that could not be read) are not in
    /// the matrix: ML.NET's evaluator drops them, and every metric looks better than it is. The scoring log says how many there were.
    /// </summary>
    /// <param name="metrics">What <c>MulticlassClassification.Evaluate</c> gave.</param>
    public static F1Scores F1(this MulticlassClassificationMetrics metrics)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        return F1Scores.Of([.. metrics.ConfusionMatrix.Counts.Select(row => row.ToArray())]);
    }
}
