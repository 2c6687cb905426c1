using MlNetFineTune;
using MlNetFineTune.Tasks;

namespace Microsoft.ML;

/// <summary>Judges models of ordered classes: ML.NET's own evaluators know no order.</summary>
public static class OrdinalCatalog
{
    /// <summary>
    /// How good the predictions of a model of <see cref="LearningTask.Ordinal"/> are, in one pass over the data. What
    /// <c>MulticlassClassification.Evaluate</c> gives (log-loss, confusion matrix) holds for these models as well.
    /// </summary>
    /// <param name="catalog">Of the context.</param>
    /// <param name="data">Scored data. Rows without a label or a prediction are left out, and counted.</param>
    /// <param name="labelColumnName">A key. Its values are matched with those of the predicted key.</param>
    /// <param name="predictedLabelColumnName">A key, whose values are in the order of the classes.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or no key.</exception>
    /// <exception cref="InvalidOperationException">A row has a label that the model does not know.</exception>
    public static OrdinalMetrics EvaluateOrdinal(
        this FineTuningCatalog catalog, IDataView data, string labelColumnName = "Label", string predictedLabelColumnName = "PredictedLabel")
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(data);
        ArgumentException.ThrowIfNullOrWhiteSpace(labelColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(predictedLabelColumnName);
        return OrdinalEvaluator.Evaluate(catalog.Context, data, labelColumnName, predictedLabelColumnName);
    }
}
