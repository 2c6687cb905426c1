using System.Buffers.Binary;
using System.Runtime.InteropServices;
using MlNetFineTune.Tokenizers;

namespace MlNetFineTune.Data;

/// <summary>
/// Encodes a question and the context that may hold its answer. A window is <c>[CLS] question [SEP] part of the context [SEP]</c>: a long
/// context is read in several overlapping ones, each with the whole question. An encoded row is the number of tokens of both, their ids
/// without special tokens, and for each token of the context its first UTF-16 unit and the one after its last, as 32-bit integers.
/// Thread-safe.
/// </summary>
/// <param name="tokenizer">The tokenizer.</param>
/// <param name="maximumLength">Maximum number of tokens in a window, with special tokens.</param>
/// <param name="maximumContext">Maximum number of tokens in a context.</param>
/// <param name="maximumAnswer">Maximum number of tokens in an answer: windows overlap by as many.</param>
internal sealed class AnswerRows(Tokenizer tokenizer, int maximumLength, int maximumContext, int maximumAnswer)
{
    /// <summary>Maximum number of UTF-16 units in a context: positions are carried as 32-bit floating-point numbers.</summary>
    public const int MostCharacters = 1 << 24;

    private const int HeaderNumbers = 2;

    // At least a quarter of a window is context: a longer question would need a window for every few tokens.
    private const int ContextParts = 4;

    [ThreadStatic]
    private static List<TextPiece>? s_question;

    [ThreadStatic]
    private static List<TextPiece>? s_context;

    /// <summary>Bytes of an encoded row, independent of its number of tokens.</summary>
    public int Length { get; } = checked((HeaderNumbers + maximumLength + 3 * maximumContext) * sizeof(int));

    /// <summary>Number of special tokens in a window.</summary>
    public int SpecialTokens => 2 + tokenizer.PairSeparators;

    /// <summary>Encodes a row.</summary>
    /// <param name="question">The question.</param>
    /// <param name="context">The text that may hold the answer.</param>
    /// <param name="output"><see cref="Length"/> bytes; those after the last used one are not set.</param>
    /// <returns>Null, or the reason why the row cannot be used.</returns>
    public string? Encode(ReadOnlySpan<char> question, ReadOnlySpan<char> context, Span<byte> output)
    {
        if (context.Length > MostCharacters)
        {
            return FormattableString.Invariant(
                $"its context has {context.Length:N0} characters, and at most {MostCharacters:N0} are allowed: split it");
        }
        var (asked, pieces) = (PieceLists.Take(ref s_question), PieceLists.Take(ref s_context));
        tokenizer.Encode(question, asked);
        tokenizer.Encode(context, pieces);
        PieceLists.DropLarge(ref s_question);
        PieceLists.DropLarge(ref s_context);
        if (FaultOf(asked.Count, pieces.Count) is { } fault)
            return fault;

        var numbers = Begin(asked.Count, pieces.Count, output);
        for (var i = 0; i < asked.Count; i++)
            numbers[i] = asked[i].Id;
        var (ids, starts, ends) = (asked.Count, asked.Count + pieces.Count, asked.Count + 2 * pieces.Count);
        foreach (var piece in pieces)
        {
            numbers[ids++] = piece.Id;
            (numbers[starts++], numbers[ends++]) = WithoutBlanks(context, piece);
        }
        return null;
    }

    /// <summary>Writes a row of given tokens, all of them for the first character of the context.</summary>
    public static void Write(ReadOnlySpan<int> question, ReadOnlySpan<int> context, Span<byte> output)
    {
        var numbers = Begin(question.Length, context.Length, output);
        question.CopyTo(numbers);
        context.CopyTo(numbers[question.Length..]);
        numbers.Slice(question.Length + context.Length, context.Length).Clear();
        numbers.Slice(question.Length + 2 * context.Length, context.Length).Fill(1);
    }

    /// <summary>The bytes of an encoded row that are set.</summary>
    public static ReadOnlySpan<byte> Used(ReadOnlySpan<byte> row) =>
        row[..((HeaderNumbers + Number(row, 0) + 3 * Number(row, 1)) * sizeof(int))];

    /// <summary>The parts of an encoded row.</summary>
    public static AnswerRow Read(ReadOnlySpan<byte> row)
    {
        var numbers = MemoryMarshal.Cast<byte, int>(row);
        var (question, context) = (numbers[0], numbers[1]);
        var rest = numbers[HeaderNumbers..];
        return new AnswerRow(
            rest[..question], rest.Slice(question, context), rest.Slice(question + context, context),
            rest.Slice(question + 2 * context, context));
    }

    /// <summary>The windows of a row, as bounds in the tokens of its context.</summary>
    public IReadOnlyList<(int Start, int End)> WindowsOf(ReadOnlySpan<byte> row)
    {
        var question = Number(row, 0);
        return TokenWindows.Of(Number(row, 1), maximumLength - SpecialTokens - question, maximumAnswer);
    }

    /// <summary>Number of tokens in all windows of a row.</summary>
    public int StepsOf(ReadOnlySpan<byte> row)
    {
        var (steps, question) = (0, Number(row, 0));
        foreach (var (start, end) in WindowsOf(row))
            steps += question + end - start + SpecialTokens;
        return steps;
    }

    private static int Number(ReadOnlySpan<byte> row, int index) => BinaryPrimitives.ReadInt32LittleEndian(row[(index * sizeof(int))..]);

    // Writes the header and returns the numbers after it.
    private static Span<int> Begin(int question, int context, Span<byte> output)
    {
        var numbers = MemoryMarshal.Cast<byte, int>(output);
        (numbers[0], numbers[1]) = (question, context);
        return numbers[HeaderNumbers..];
    }

    private string? FaultOf(int question, int context)
    {
        if (question == 0)
            return "its question is empty";
        if (context == 0)
            return "its context is empty: there is no text that could hold an answer";
        var most = maximumLength - SpecialTokens - Math.Max(maximumLength / ContextParts, 1);
        if (question > most)
        {
            return FormattableString.Invariant($"its question has {question:N0} tokens, and at most {most:N0} leave room for the context ")
                + FormattableString.Invariant($"in a window of {maximumLength:N0}: shorten it, or raise MaximumLength");
        }
        return context <= maximumContext ? null
            : FormattableString.Invariant($"its context has {context:N0} tokens, and at most {maximumContext:N0} are allowed: split it, ")
                + "or raise maximumContextTokens of LearningTask.QuestionAnswering";
    }

    // Tokens of byte-level vocabularies begin with the blank before their word, which is no part of an answer.
    private static (int Start, int End) WithoutBlanks(ReadOnlySpan<char> context, TextPiece piece)
    {
        var (start, end) = (piece.Start, piece.End);
        while (start < end && char.IsWhiteSpace(context[start]))
            start++;
        while (end > start && char.IsWhiteSpace(context[end - 1]))
            end--;
        return start < end ? (start, end) : (piece.Start, piece.End);
    }
}

/// <summary>The parts of an encoded question and context.</summary>
/// <param name="question">Token ids of the question.</param>
/// <param name="context">Token ids of the context.</param>
/// <param name="starts">First UTF-16 unit of each token of the context.</param>
/// <param name="ends">The UTF-16 unit after the last one of each token of the context.</param>
internal readonly ref struct AnswerRow(
    ReadOnlySpan<int> question, ReadOnlySpan<int> context, ReadOnlySpan<int> starts, ReadOnlySpan<int> ends)
{
    public ReadOnlySpan<int> Question { get; } = question;

    public ReadOnlySpan<int> Context { get; } = context;

    public ReadOnlySpan<int> Starts { get; } = starts;

    public ReadOnlySpan<int> Ends { get; } = ends;

    /// <summary>The first and the last token that have a character of a span, with which it is widened to whole tokens.</summary>
    /// <returns>Null if no token has one.</returns>
    public (int First, int Last)? TokensOf(int start, int end)
    {
        var (first, last) = (-1, -1);
        for (var token = 0; token < Context.Length; token++)
        {
            if (Starts[token] >= end || Ends[token] <= start)
                continue;
            first = first < 0 ? token : first;
            last = token;
        }
        return first < 0 ? null : (first, last);
    }
}
