using Microsoft.ML.Data;
using MlNetFineTune;

namespace Microsoft.ML;

// F1 scores, which ML.NET's multiclass metrics lack.
public static partial class FineTuningExtensions
{
    /// <summary>
    /// Computes F1 scores from the confusion matrix. ML.NET's evaluator drops rows with NaN scores (pictures that could not be read), so
    /// that all its metrics, and these, may be too high. Their number is in the log of scoring.
    /// </summary>
    /// <param name="metrics">The result of <c>MulticlassClassification.Evaluate</c>.</param>
    public static F1Scores F1(this MulticlassClassificationMetrics metrics)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        return F1Scores.Of([.. metrics.ConfusionMatrix.Counts.Select(row => row.ToArray())]);
    }
}
