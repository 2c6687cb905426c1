using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Tasks;

/// <summary>
/// ML.NET's evaluator of binary models at the threshold of the predicted label. It counts by the score alone, with a threshold of 0: so the
/// scores are lowered by the one that gives the predicted labels, which is the greatest score of a row that is predicted to be negative. The
/// difference of two floats is above 0 exactly where the first is greater, and neither the ranking nor the probabilities change.
/// </summary>
internal static class BinaryEvaluator
{
    private const string Lowered = "MlNetFineTune.Score";

    /// <param name="ml">Evaluates.</param>
    /// <param name="data">Scored data.</param>
    /// <param name="label">Boolean.</param>
    /// <param name="score">Single.</param>
    /// <param name="probability">Single.</param>
    /// <param name="predicted">Boolean.</param>
    public static CalibratedBinaryClassificationMetrics Evaluate(
        MLContext ml, IDataView data, string label, string score, string probability, string predicted)
    {
        EvaluatedColumns.Find(ml, data.Schema, label, "label", "Boolean", type => type is BooleanDataViewType);
        var scores = EvaluatedColumns.Find(ml, data.Schema, score, "score", "Single", type => type == NumberDataViewType.Single);
        EvaluatedColumns.Find(ml, data.Schema, probability, "probability", "Single", type => type == NumberDataViewType.Single);
        var labels = EvaluatedColumns.Find(
            ml, data.Schema, predicted, "predicted label", "Boolean", type => type is BooleanDataViewType);
        var threshold = ThresholdOf(ml, data, scores, labels);
        var (inputs, outputs) = (SchemaDefinition.Create(typeof(ScoreOfRow)), SchemaDefinition.Create(typeof(LoweredOfRow)));
        inputs[nameof(ScoreOfRow.Value)].ColumnName = score;
        outputs[nameof(LoweredOfRow.Value)].ColumnName = Lowered;
        var lowering = ml.Transforms.CustomMapping<ScoreOfRow, LoweredOfRow>(
            (input, output) => output.Value = input.Value - threshold, contractName: null, inputs, outputs);
        return ml.BinaryClassification.Evaluate(lowering.Fit(data).Transform(data), label, Lowered, probability, predicted);
    }

    private static float ThresholdOf(MLContext ml, IDataView data, DataViewSchema.Column scores, DataViewSchema.Column labels)
    {
        var (highestNegative, lowestPositive) = (float.NegativeInfinity, float.PositiveInfinity);
        using var cursor = data.GetRowCursor([scores, labels]);
        var (readScore, readLabel) = (cursor.GetGetter<float>(scores), cursor.GetGetter<bool>(labels));
        var (score, isPositive) = (0f, false);
        while (cursor.MoveNext())
        {
            readScore(ref score);
            readLabel(ref isPositive);
            if (float.IsNaN(score))
                continue;
            if (isPositive)
                lowestPositive = Math.Min(lowestPositive, score);
            else
                highestNegative = Math.Max(highestNegative, score);
        }
        return highestNegative < lowestPositive ? Math.Max(highestNegative, float.MinValue) : throw ((IExceptionContext)ml).Except(string.Create(
            CultureInfo.InvariantCulture,
            $"Column '{labels.Name}' does not follow from column '{scores.Name}' by a threshold: a row with the score {highestNegative} "
            + $"is false, and one with {lowestPositive} is true. Give the columns of one model."));
    }

    private sealed class ScoreOfRow
    {
        public float Value { get; set; }
    }

    private sealed class LoweredOfRow
    {
        public float Value { get; set; }
    }
}
