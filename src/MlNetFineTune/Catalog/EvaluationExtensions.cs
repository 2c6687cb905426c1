using Microsoft.ML.Data;
using MlNetFineTune;
using MlNetFineTune.Tasks;

namespace Microsoft.ML;

// Judges models by what ML.NET's own evaluators do not look at: the threshold of the predicted label, the order of classes.
public static partial class FineTuningExtensions
{
    /// <summary>
    /// ML.NET's metrics of a binary model at the threshold of its predicted label. <c>BinaryClassification.Evaluate</c> takes every row
    /// whose score is above 0 for positive, whatever <c>PredictedLabel</c> says, so that accuracy, precision, recall, F1 and confusion
    /// matrix are those at a probability of 0.5; with another <see cref="DecisionThreshold"/> they are here. Reads the data twice.
    /// </summary>
    /// <param name="catalog">Of the context.</param>
    /// <param name="data">Scored data.</param>
    /// <param name="labelColumnName">A Boolean.</param>
    /// <param name="scoreColumnName">A Single. Rows whose score is NaN are left out, as ML.NET does.</param>
    /// <param name="probabilityColumnName">A Single, from 0 to 1.</param>
    /// <param name="predictedLabelColumnName">A Boolean that is true where the score is above a threshold.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidOperationException">The predicted label does not follow from the score by a threshold.</exception>
    public static CalibratedBinaryClassificationMetrics EvaluateBinary(
        this FineTuningCatalog catalog, IDataView data, string labelColumnName = "Label", string scoreColumnName = "Score",
        string probabilityColumnName = "Probability", string predictedLabelColumnName = "PredictedLabel")
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(data);
        return BinaryEvaluator.Evaluate(
            catalog.Context, data, labelColumnName, scoreColumnName, probabilityColumnName, predictedLabelColumnName);
    }

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
        this FineTuningCatalog catalog, IDataView data, string labelColumnName = "Label",
        string predictedLabelColumnName = "PredictedLabel")
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(data);
        ArgumentException.ThrowIfNullOrWhiteSpace(labelColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(predictedLabelColumnName);
        return OrdinalEvaluator.Evaluate(catalog.Context, data, labelColumnName, predictedLabelColumnName);
    }
}
