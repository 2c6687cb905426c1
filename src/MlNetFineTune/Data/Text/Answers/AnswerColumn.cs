using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Data;

/// <summary>
/// Reads a column of answers: texts that occur in their context, of which the first occurrence is taken, or vectors of two numbers, first
/// UTF-16 unit in the context and the one after the last.
/// </summary>
internal static class AnswerColumn
{
    public const string Expected = "Text, the answer itself, or Vector<Int32>, its first character and the one after the last";

    // Characters of an answer in a message.
    private const int QuotedLength = 60;

    /// <summary>The answer of the current row.</summary>
    /// <param name="context">Its context.</param>
    public delegate Answer Next(ReadOnlySpan<char> context);

    public static bool IsExpected(DataViewType type) => type is TextDataViewType || IsSpan(type);

    /// <summary>Whether answers are given by their characters.</summary>
    public static bool IsSpan(DataViewType type) => type is VectorDataViewType vector && vector.ItemType == NumberDataViewType.Int32;

    /// <exception cref="Exception">The column is missing or has another type; ML.NET's own error.</exception>
    public static void Check(IExceptionContext context, SchemaShape schema, string name)
    {
        if (!schema.TryFindColumn(name, out var label))
            throw context.ExceptSchemaMismatch("inputSchema", "label", name);
        var isText = label.ItemType is TextDataViewType;
        var isScalar = label.Kind == SchemaShape.Column.VectorKind.Scalar;
        if (isScalar ? !isText || label.IsKey : label.ItemType != NumberDataViewType.Int32 || label.IsKey)
            throw context.ExceptSchemaMismatch("inputSchema", "label", name, Expected, label.GetTypeString());
    }

    public static Next Reader(DataViewRow row, DataViewSchema.Column column)
    {
        if (IsSpan(column.Type))
        {
            var values = new VectorColumn<int>(row, column);
            return context => OfSpan(values.Next(), context, column.Name);
        }
        var getter = row.GetGetter<ReadOnlyMemory<char>>(column);
        ReadOnlyMemory<char> text = default;
        return context =>
        {
            getter(ref text);
            return OfText(text.Span, context, column.Name);
        };
    }

    private static Answer OfText(ReadOnlySpan<char> answer, ReadOnlySpan<char> context, string column)
    {
        if (answer.Length == 0)
            return Answer.None;
        var start = context.IndexOf(answer, StringComparison.Ordinal);
        if (start >= 0)
        {
            var isRepeated = context[(start + 1)..].IndexOf(answer, StringComparison.Ordinal) >= 0;
            return new Answer(start, start + answer.Length, Fault: null, isRepeated);
        }
        var hint = context.IndexOf(answer, StringComparison.OrdinalIgnoreCase) >= 0
            ? ", except in other case; an answer must be copied letter by letter" : "";
        return Answer.Wrong($"column '{column}' has the answer {SafeText.Quoted(answer.ToString(), QuotedLength)}, which is not in the "
            + $"context{hint}");
    }

    private static Answer OfSpan(ReadOnlySpan<int> span, ReadOnlySpan<char> context, string column) => span switch
    {
        [] => Answer.None,
        [var start, var end] when start == end => Answer.None,
        [var start, var end] when start >= 0 && start < end && end <= context.Length => new Answer(start, end),
        [var start, var end] => Answer.Wrong(FormattableString.Invariant(
            $"column '{column}' has the characters {start} to {end} (exclusive), and the context has {context.Length:N0}")),
        _ => Answer.Wrong(FormattableString.Invariant(
            $"column '{column}' has {span.Length} numbers: expected the first character and the one after the last, or none")),
    };
}

/// <summary>The answer to a question.</summary>
/// <param name="Start">First UTF-16 unit in the context.</param>
/// <param name="End">The unit after the last; equal to the start if there is no answer.</param>
/// <param name="Fault">The reason why it cannot be used; null if it can.</param>
/// <param name="IsRepeated">Whether the text occurs again after the answer.</param>
internal readonly record struct Answer(int Start, int End, string? Fault = null, bool IsRepeated = false)
{
    /// <summary>The context does not answer the question.</summary>
    public static Answer None => default;

    public bool Exists => End > Start;

    public static Answer Wrong(string fault) => new(0, 0, fault);
}
