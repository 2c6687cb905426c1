using System.Runtime.InteropServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tasks;

/// <summary>
/// Evaluates the scores and predicted labels of a multi-label model in one pass over the data. Scores and labels of all rows are stored, 5
/// bytes for each label of a row, because average precision ranks all rows.
/// </summary>
internal static class MultiLabelEvaluator
{
    /// <param name="env">Context of exceptions.</param>
    /// <param name="data">Scored data.</param>
    /// <param name="labelColumnName">Vector of Boolean, one for each label; or vector of keys, of any size.</param>
    /// <param name="scoreColumnName">Vector of Single, one for each label. Rows with a NaN are excluded and counted.</param>
    /// <param name="predictedLabelColumnName">Vector of Boolean, one for each label.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has another type or size.</exception>
    /// <exception cref="InvalidOperationException">The label column has labels without a score.</exception>
    public static MultiLabelMetrics Evaluate(
        IHostEnvironment env, IDataView data, string labelColumnName, string scoreColumnName, string predictedLabelColumnName)
    {
        ArgumentNullException.ThrowIfNull(env);
        ArgumentNullException.ThrowIfNull(data);
        var score = EvaluatedColumns.Find(env, data.Schema, scoreColumnName, "score", "Vector<Single> of known size",
            type => type is VectorDataViewType { Size: > 0 } vector && vector.ItemType == NumberDataViewType.Single);
        var count = ((VectorDataViewType)score.Type).Size;
        var predicted = EvaluatedColumns.Find(
            env, data.Schema, predictedLabelColumnName, "predicted label", $"Vector<Boolean, {count}>, one for each score",
            type => type is VectorDataViewType { ItemType: BooleanDataViewType } vector && vector.Size == count);
        var names = EvaluatedColumns.NamesOf(score, AnnotationUtils.Kinds.SlotNames, count);
        var label = LabelSetColumn.Find(env, data.Schema, labelColumnName, names, count);

        var counts = new MultiLabelCounts(count);
        var (scores, labels, leftOut) = (NewLists<float>(count), NewLists<bool>(count), 0L);
        using (var cursor = data.GetRowCursor([data.Schema[labelColumnName], score, predicted]))
        {
            var (nextScores, nextPredicted) = (new VectorColumn<float>(cursor, score), new VectorColumn<bool>(cursor, predicted));
            var (nextLabels, ofRow) = (label.Reader(cursor), new bool[count]);
            while (cursor.MoveNext())
            {
                var scoresOfRow = nextScores.Next();
                if (scoresOfRow.ContainsAnyNaN())
                {
                    leftOut++;
                    continue;
                }
                nextLabels(ofRow);
                counts.Add(ofRow, nextPredicted.Next());
                for (var i = 0; i < count; i++)
                {
                    scores[i].Add(scoresOfRow[i]);
                    labels[i].Add(ofRow[i]);
                }
            }
        }
        double[] precisions =
        [
            .. scores.Zip(labels, (ofLabel, isThere) =>
                RankingMetrics.AveragePrecision(ScoreRanking.Of(CollectionsMarshal.AsSpan(ofLabel), CollectionsMarshal.AsSpan(isThere)))),
        ];
        return new(
            RankingMetrics.MeanAveragePrecision(precisions), counts.MicroF1, counts.MacroF1, counts.PerLabelF1, counts.HammingLoss,
            counts.SubsetAccuracy, precisions, label.Names, counts.Rows, leftOut);
    }

    private static bool ContainsAnyNaN(this ReadOnlySpan<float> values)
    {
        foreach (var value in values)
        {
            if (float.IsNaN(value))
                return true;
        }
        return false;
    }

    private static List<T>[] NewLists<T>(int count) => [.. Enumerable.Range(0, count).Select(_ => new List<T>())];
}
