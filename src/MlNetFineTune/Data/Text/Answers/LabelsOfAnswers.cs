using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Data;

/// <summary>
/// The answers as labels: first UTF-16 unit in the context and the one after the last, -1 twice without an answer, -2 for a wrong one,
/// which is a fault of the row that <see cref="AnswerInput"/> finds.
/// </summary>
/// <param name="column">Name of the column of answers.</param>
/// <param name="context">Name of the column of contexts.</param>
internal sealed class LabelsOfAnswers(string column, string context) : ColumnLabels(column)
{
    private const float None = -1, Wrong = -2;

    public override int Width => 2;

    // Rows with an answer, and those without.
    public override int Strata => 2;

    public override int StratumOf(ReadOnlySpan<float> label) => IsAnswer(label) ? 0 : 1;

    /// <summary>Whether the label of a row is an answer.</summary>
    public static bool IsAnswer(ReadOnlySpan<float> label) => label[0] >= 0;

    public override LabelReader Reader(IHost host, DataViewRow row)
    {
        var next = AnswerColumn.Reader(row, row.Schema[Column]);
        var getContext = row.GetGetter<ReadOnlyMemory<char>>(row.Schema[context]);
        ReadOnlyMemory<char> text = default;
        return label =>
        {
            getContext(ref text);
            var answer = next(text.Span);
            (label[0], label[1]) = answer.Fault is not null ? (Wrong, Wrong)
                : answer.Exists ? (answer.Start, answer.End) : (None, None);
            return true;
        };
    }

    public override void Check(IChannel channel, float[] labels)
    {
        float[] starts = [.. labels.Where((_, i) => i % Width == 0)];
        var answers = starts.Count(start => start >= 0);
        if (answers == 0 && !starts.Contains(Wrong)) // the error of a wrong one says more
            throw new InvalidOperationException($"Training needs rows with an answer, but column '{Column}' has none.");
        if (answers == starts.Length)
            channel.Info("All training rows have an answer: the model does not learn when a context has none.");
    }

    protected override OtherLabels OfOtherData(IHost host, DataViewSchema.Column other) => AnswerColumn.IsExpected(other.Type)
        ? new SameLabels(this, host)
        : throw host.ExceptSchemaMismatch("validation", "validation label", Column, AnswerColumn.Expected, other.Type.ToString());
}
