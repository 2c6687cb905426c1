using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tasks;

/// <summary>
/// Evaluates the predictions of an ordinal model in one pass over the data. The order of the keys is the order of the classes.
/// </summary>
internal static class OrdinalEvaluator
{
    /// <param name="env">Context of exceptions.</param>
    /// <param name="data">Scored data.</param>
    /// <param name="labelColumnName">
    /// Key. Its values are matched with those of the predicted key. Rows without a label are excluded and counted.
    /// </param>
    /// <param name="predictedLabelColumnName">Key. Rows without a prediction are excluded and counted.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or is not a key.</exception>
    /// <exception cref="InvalidOperationException">A row has a label that is not a class of the model.</exception>
    public static OrdinalMetrics Evaluate(IHostEnvironment env, IDataView data, string labelColumnName, string predictedLabelColumnName)
    {
        ArgumentNullException.ThrowIfNull(env);
        ArgumentNullException.ThrowIfNull(data);
        var label = EvaluatedColumns.Find(env, data.Schema, labelColumnName, "label", "Key", type => type is KeyDataViewType);
        var predicted = EvaluatedColumns.Find(
            env, data.Schema, predictedLabelColumnName, "predicted label", "Key", type => type is KeyDataViewType);
        var (own, known) = (LabelKeys.Of(label), LabelKeys.Of(predicted));
        // Keys without values are matched by their indices.
        var places = own.ValueType is null || known.ValueType is null ? null : known.PlacesOf(own);

        var (counts, leftOut) = (new OrdinalCounts(), 0L);
        using var cursor = data.GetRowCursor([label, predicted]);
        var (nextLabel, nextPredicted) = (LabelColumn.Reader(cursor, label), LabelColumn.Reader(cursor, predicted));
        while (cursor.MoveNext())
        {
            // Values beyond the key's count are missing.
            var (index, predictedIndex) = (nextLabel(), nextPredicted());
            if (index < 0 || index >= own.Count || predictedIndex < 0 || predictedIndex >= known.Count)
            {
                leftOut++;
                continue;
            }
            var place = places is null ? index : places[index];
            if (place < 0 || place >= known.Count)
            {
                throw env.Except($"Row {cursor.Position} has the label {SafeText.Quoted(own.Names[index])} in column "
                    + $"{SafeText.Quoted(labelColumnName)}, and {SafeText.Quoted(predictedLabelColumnName)} has no such class: "
                    + $"{SafeText.Several(known.Names)}.");
            }
            counts.Add(place, predictedIndex);
        }
        return new(counts.QuadraticWeightedKappa, counts.MeanAbsoluteError, counts.Accuracy, counts.Rows, leftOut);
    }
}
