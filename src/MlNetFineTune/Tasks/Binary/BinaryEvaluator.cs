using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Tasks;

/// <summary>
/// Runs ML.NET's binary evaluator at the threshold of the predicted label. The evaluator compares the score with a threshold that its
/// public interface fixes at 0; the threshold that reproduces the predicted labels is the largest score of a row predicted as negative.
/// </summary>
internal static class BinaryEvaluator
{
    /// <param name="env">Context of exceptions.</param>
    /// <param name="data">Scored data.</param>
    /// <param name="label">Boolean.</param>
    /// <param name="score">Single.</param>
    /// <param name="probability">Single.</param>
    /// <param name="predicted">Boolean.</param>
    public static CalibratedBinaryClassificationMetrics Evaluate(
        IHostEnvironment env, IDataView data, string label, string score, string probability, string predicted)
    {
        EvaluatedColumns.Find(env, data.Schema, label, "label", "Boolean", type => type is BooleanDataViewType);
        var scores = EvaluatedColumns.Find(env, data.Schema, score, "score", "Single", type => type == NumberDataViewType.Single);
        EvaluatedColumns.Find(env, data.Schema, probability, "probability", "Single", type => type == NumberDataViewType.Single);
        var labels = EvaluatedColumns.Find(
            env, data.Schema, predicted, "predicted label", "Boolean", type => type is BooleanDataViewType);
        var arguments = new BinaryClassifierEvaluator.Arguments { Threshold = ThresholdOf(env, data, scores, labels) };
        return new BinaryClassifierEvaluator(env, arguments).Evaluate(data, label, score, probability, predicted);
    }

    private static float ThresholdOf(IHostEnvironment env, IDataView data, DataViewSchema.Column scores, DataViewSchema.Column labels)
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
        return highestNegative < lowestPositive ? highestNegative : throw env.Except(string.Create(
            CultureInfo.InvariantCulture,
            $"Column '{labels.Name}' does not follow from column '{scores.Name}' by a threshold: a row with the score {highestNegative} "
            + $"is false, and one with {lowestPositive} is true. Give the columns of one model."));
    }
}
