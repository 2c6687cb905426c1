using Microsoft.ML.Data;
using MlNetFineTune;
using MlNetFineTune.Tasks;

namespace Microsoft.ML;

// Evaluation that ML.NET's evaluators do not offer: at the threshold of the predicted label, and of ordered classes.
public static partial class FineTuningExtensions
{
    /// <summary>
    /// Computes ML.NET's metrics of a binary model at the threshold of its predicted label. <c>BinaryClassification.Evaluate</c> counts
    /// every row with a score above 0 as positive and ignores <c>PredictedLabel</c>, so that its accuracy, precision, recall, F1 and
    /// confusion matrix belong to a probability of 0.5, whatever the <see cref="DecisionThreshold"/>. Metrics without a threshold (area
    /// under the curves, log-loss) are the same. Reads the data twice.
    /// </summary>
    /// <param name="catalog">Of the context.</param>
    /// <param name="data">Scored data.</param>
    /// <param name="labelColumnName">Name of the label column, a Boolean. Default "Label".</param>
    /// <param name="scoreColumnName">
    /// Name of the score column, a Single. Rows with a NaN score are excluded, as in ML.NET. Default "Score".
    /// </param>
    /// <param name="probabilityColumnName">Name of the column of probabilities, a Single from 0 to 1. Default "Probability".</param>
    /// <param name="predictedLabelColumnName">
    /// Name of the column of predicted labels, a Boolean that is true if the score is above a threshold. Default "PredictedLabel".
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has another type.</exception>
    /// <exception cref="InvalidOperationException">No threshold of the score yields the predicted labels.</exception>
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
    /// Evaluates scored data of a <see cref="LearningTask.Ordinal"/> model in one pass. <c>MulticlassClassification.Evaluate</c> (log-loss,
    /// confusion matrix) works for these models as well.
    /// </summary>
    /// <param name="catalog">Of the context.</param>
    /// <param name="data">
    /// The scored data. Rows without a label or a prediction are excluded and counted in <see cref="OrdinalMetrics.RowsLeftOut"/>.
    /// </param>
    /// <param name="labelColumnName">
    /// Name of the label column, a key. Its values are matched with those of the predicted key. Default "Label".
    /// </param>
    /// <param name="predictedLabelColumnName">
    /// Name of the column of predicted classes, a key with its values in the order of the classes. Default "PredictedLabel".
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or is not a key.</exception>
    /// <exception cref="InvalidOperationException">A row has a label that is not a class of the model.</exception>
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
