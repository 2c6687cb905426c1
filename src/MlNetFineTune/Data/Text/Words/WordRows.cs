using System.Buffers.Binary;
using System.Runtime.InteropServices;
using MlNetFineTune.Tokenizers;

namespace MlNetFineTune.Data;

/// <summary>
/// Encodes rows of words: the words joined by a blank are tokenized, and the first token of each word is marked. A word without tokens (an
/// empty one, or of control characters only) becomes the unknown token, so that it has a label like the others. An encoded row is the
/// number of tokens and of words, the token ids without special tokens, and for each word the index of its first token and its number of
/// UTF-16 units, as 32-bit integers. Thread-safe.
/// </summary>
/// <param name="tokenizer">The tokenizer.</param>
/// <param name="maximumLength">Maximum number of tokens in a window, with special tokens.</param>
/// <param name="maximumWords">Maximum number of words in a row.</param>
internal sealed class WordRows(Tokenizer tokenizer, int maximumLength, int maximumWords)
{
    private const int HeaderNumbers = 2;

    // English words have 1.3 tokens, so that rows are refused for their number of words, and only strange ones for their number of tokens.
    private const int TokensOfWord = 4;

    // Of the two special tokens of a window.
    private const int SpecialTokens = 2;

    [ThreadStatic]
    private static List<TextPiece>? s_pieces;

    /// <summary>Maximum number of tokens in a row.</summary>
    public int MaximumTokens { get; } = Math.Max(checked(TokensOfWord * maximumWords), maximumLength);

    /// <summary>Tokens in a window without the special ones.</summary>
    public int Room => maximumLength - SpecialTokens;

    /// <summary>Bytes of an encoded row, independent of its number of tokens.</summary>
    public int Length => checked((HeaderNumbers + MaximumTokens + 2 * maximumWords) * sizeof(int));

    /// <summary>Encodes a row.</summary>
    /// <param name="words">The words.</param>
    /// <param name="output"><see cref="Length"/> bytes; those after the last used one are not set.</param>
    /// <returns>Null, or the reason why the row cannot be used.</returns>
    public string? Encode(IReadOnlyList<string> words, Span<byte> output)
    {
        if (words.Count > maximumWords)
        {
            return FormattableString.Invariant(
                $"it has {words.Count:N0} words, and at most {maximumWords:N0} are allowed: split it, or raise maximumWords of ")
                + "LearningTask.TokenClassification";
        }
        var pieces = PieceLists.Take(ref s_pieces);
        tokenizer.Encode(string.Join(' ', words), pieces);
        PieceLists.DropLarge(ref s_pieces);
        if (pieces.Count + words.Count > MaximumTokens && pieces.Count + Tokenless(words, pieces) > MaximumTokens)
        {
            return FormattableString.Invariant(
                $"its {words.Count:N0} words have {pieces.Count:N0} tokens, and at most {MaximumTokens:N0} are allowed: split the row, or ")
                + "raise maximumWords of LearningTask.TokenClassification, which allows 4 tokens a word";
        }
        Write(words, pieces, MemoryMarshal.Cast<byte, int>(output));
        return null;
    }

    /// <summary>Writes a row of given tokens.</summary>
    /// <param name="tokens">Token ids without special tokens.</param>
    /// <param name="firstTokens">Index of the first token of each word.</param>
    /// <param name="output"><see cref="Length"/> bytes.</param>
    public static void Write(ReadOnlySpan<int> tokens, ReadOnlySpan<int> firstTokens, Span<byte> output)
    {
        var numbers = MemoryMarshal.Cast<byte, int>(output);
        (numbers[0], numbers[1]) = (tokens.Length, firstTokens.Length);
        tokens.CopyTo(numbers[HeaderNumbers..]);
        firstTokens.CopyTo(numbers[(HeaderNumbers + tokens.Length)..]);
        numbers.Slice(HeaderNumbers + tokens.Length + firstTokens.Length, firstTokens.Length).Fill(1);
    }

    /// <summary>The bytes of an encoded row that are set.</summary>
    public static ReadOnlySpan<byte> Used(ReadOnlySpan<byte> row) =>
        row[..((HeaderNumbers + Number(row, 0) + 2 * Number(row, 1)) * sizeof(int))];

    /// <summary>The parts of an encoded row.</summary>
    public static WordRow Read(ReadOnlySpan<byte> row)
    {
        var numbers = MemoryMarshal.Cast<byte, int>(row);
        var (tokens, words) = (numbers[0], numbers[1]);
        var rest = numbers[HeaderNumbers..];
        return new WordRow(rest[..tokens], rest.Slice(tokens, words), rest.Slice(tokens + words, words));
    }

    /// <summary>Number of tokens in all windows of an encoded row, special tokens included.</summary>
    public int StepsOf(ReadOnlySpan<byte> row)
    {
        var parts = Read(row);
        return TokenWindows.TotalOf(TokenWindows.Of(parts.Tokens.Length, Room, parts.FirstTokens));
    }

    private static int Number(ReadOnlySpan<byte> row, int index) => BinaryPrimitives.ReadInt32LittleEndian(row[(index * sizeof(int))..]);

    // A piece belongs to the word that contains its last character: the first one can be the blank before the word.
    private void Write(IReadOnlyList<string> words, List<TextPiece> pieces, Span<int> numbers)
    {
        var tokens = numbers[HeaderNumbers..];
        var (count, piece, start) = (0, 0, 0);
        Span<int> firsts = words.Count <= 256 ? stackalloc int[words.Count] : new int[words.Count];
        for (var word = 0; word < words.Count; word++)
        {
            var end = start + words[word].Length;
            for (; piece < pieces.Count && pieces[piece].End <= start; piece++)
                tokens[count++] = pieces[piece].Id;
            firsts[word] = count;
            for (; piece < pieces.Count && pieces[piece].End <= end; piece++)
                tokens[count++] = pieces[piece].Id;
            if (firsts[word] == count)
                tokens[count++] = tokenizer.Specials.Unknown;
            start = end + 1;
        }
        for (; piece < pieces.Count; piece++)
            tokens[count++] = pieces[piece].Id;
        firsts.CopyTo(tokens[count..]);
        for (var word = 0; word < words.Count; word++)
            tokens[count + words.Count + word] = words[word].Length;
        (numbers[0], numbers[1]) = (count, words.Count);
    }

    private static int Tokenless(IReadOnlyList<string> words, List<TextPiece> pieces)
    {
        var (without, piece, start) = (0, 0, 0);
        foreach (var word in words)
        {
            var end = start + word.Length;
            while (piece < pieces.Count && pieces[piece].End <= start)
                piece++;
            var first = piece;
            while (piece < pieces.Count && pieces[piece].End <= end)
                piece++;
            without += first == piece ? 1 : 0;
            start = end + 1;
        }
        return without;
    }
}

/// <summary>The parts of an encoded row of words.</summary>
/// <param name="tokens">Token ids without special tokens.</param>
/// <param name="firstTokens">Index of the first token of each word.</param>
/// <param name="lengths">UTF-16 units of each word.</param>
internal readonly ref struct WordRow(ReadOnlySpan<int> tokens, ReadOnlySpan<int> firstTokens, ReadOnlySpan<int> lengths)
{
    public ReadOnlySpan<int> Tokens { get; } = tokens;

    public ReadOnlySpan<int> FirstTokens { get; } = firstTokens;

    public ReadOnlySpan<int> Lengths { get; } = lengths;
}
