using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;

namespace MlNetFineTune.Tasks;

/// <summary>Evaluates predicted answers in one pass over the data.</summary>
internal static class AnswerEvaluator
{
    private const string Expected = AnswerColumn.Expected + ", or Vector<Text>, acceptable answers";

    /// <param name="env">Context of exceptions.</param>
    /// <param name="data">Scored data.</param>
    /// <param name="label">Text, vector of text, or vector of Int32.</param>
    /// <param name="context">Name of the column of contexts, in which answers given by characters are looked up.</param>
    /// <param name="predicted">Name of the column of predicted answers.</param>
    /// <param name="score">Name of the column of scores, NaN for rows to be left out; null if no row is left out.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has another type.</exception>
    /// <exception cref="InvalidOperationException">An answer is no span of its context.</exception>
    public static QuestionAnsweringMetrics Evaluate(
        IHostEnvironment env, IDataView data, string label, string context, string predicted, string? score)
    {
        ArgumentNullException.ThrowIfNull(env);
        ArgumentNullException.ThrowIfNull(data);
        var labels = EvaluatedColumns.Find(env, data.Schema, label, "label", Expected, IsExpected);
        var predictions = Find(predicted, "predicted answer", "Text", TextDataViewType.Instance);
        var scores = score is null ? (DataViewSchema.Column?)null : Find(score, "score", "Single", NumberDataViewType.Single);
        var contexts = AnswerColumn.IsSpan(labels.Type) ? Find(context, "context", "Text", TextDataViewType.Instance) : predictions;

        var (counts, leftOut) = (new AnswerCounts(), 0L);
        using var cursor = data.GetRowCursor(
            new[] { labels, predictions, contexts }.Concat(scores is { } active ? [active] : []).DistinctBy(column => column.Index));
        var next = AnswersOf(env, cursor, labels, contexts);
        var nextPredicted = cursor.GetGetter<ReadOnlyMemory<char>>(predictions);
        var nextScore = scores is { } known ? cursor.GetGetter<float>(known) : null;
        ReadOnlyMemory<char> answer = default;
        var probability = 0f;
        while (cursor.MoveNext())
        {
            nextScore?.Invoke(ref probability);
            if (float.IsNaN(probability))
            {
                leftOut++;
                continue;
            }
            nextPredicted(ref answer);
            counts.Add(answer.ToString(), next());
        }
        return new QuestionAnsweringMetrics(counts, leftOut);

        DataViewSchema.Column Find(string name, string role, string expected, DataViewType wanted) =>
            EvaluatedColumns.Find(env, data.Schema, name, role, expected, type => type == wanted);
    }

    private static bool IsExpected(DataViewType type) =>
        AnswerColumn.IsExpected(type) || type is VectorDataViewType { ItemType: TextDataViewType };

    // The acceptable answers of the current row; none without an answer.
    private static Func<IReadOnlyList<string>> AnswersOf(
        IHostEnvironment env, DataViewRowCursor cursor, DataViewSchema.Column labels, DataViewSchema.Column contexts)
    {
        ReadOnlyMemory<char> text = default;
        if (AnswerColumn.IsSpan(labels.Type))
        {
            var next = AnswerColumn.Reader(cursor, labels);
            var nextContext = cursor.GetGetter<ReadOnlyMemory<char>>(contexts);
            return () =>
            {
                nextContext(ref text);
                var answer = next(text.Span);
                return answer.Fault is { } fault ? throw env.Except(FormattableString.Invariant($"Row {cursor.Position}: {fault}."))
                    : answer.Exists ? [text[answer.Start..answer.End].ToString()] : [];
            };
        }
        if (labels.Type is VectorDataViewType)
        {
            var several = new VectorColumn<ReadOnlyMemory<char>>(cursor, labels);
            return () =>
            {
                var answers = new List<string>();
                foreach (var one in several.Next())
                {
                    if (!one.IsEmpty)
                        answers.Add(one.ToString());
                }
                return answers;
            };
        }
        var getter = cursor.GetGetter<ReadOnlyMemory<char>>(labels);
        return () =>
        {
            getter(ref text);
            return text.IsEmpty ? [] : [text.ToString()];
        };
    }
}
