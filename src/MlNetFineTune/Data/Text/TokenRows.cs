using System.Buffers.Binary;
using System.Runtime.InteropServices;
using MlNetFineTune.Tokenizers;

namespace MlNetFineTune.Data;

/// <summary>
/// Encodes texts as token ids with special tokens: <c>[CLS] a [SEP]</c> or <c>[CLS] a [SEP] b [SEP]</c>. An encoded row is the number of
/// tokens, the position from which they belong to the second text, and the ids, as 32-bit integers. Thread-safe.
/// </summary>
/// <param name="tokenizer">The tokenizer.</param>
/// <param name="maximumLength">Maximum number of tokens, with special tokens.</param>
/// <param name="truncation">What remains of longer texts.</param>
/// <param name="isPair">Whether rows have two texts.</param>
internal sealed class TokenRows(Tokenizer tokenizer, int maximumLength, TextTruncation truncation, bool isPair)
{
    private const int HeaderNumbers = 2;

    // Of the remaining tokens, the share from the beginning for KeepBoth: 128 of 512 in the paper.
    private const int PartsAtStart = 4;

    [ThreadStatic]
    private static List<TextPiece>? s_first;

    [ThreadStatic]
    private static List<TextPiece>? s_second;

    [ThreadStatic]
    private static List<TextPiece>? s_row;

    /// <summary>Bytes of an encoded row, independent of its number of tokens.</summary>
    public int Length { get; } = checked((HeaderNumbers + maximumLength) * sizeof(int));

    /// <summary>Number of special tokens in a row.</summary>
    public int SpecialTokens => isPair ? 2 + tokenizer.PairSeparators : 2;

    /// <summary>Encodes a row.</summary>
    /// <param name="first">The text.</param>
    /// <param name="second">The second text; empty for single texts.</param>
    /// <param name="output"><see cref="Length"/> bytes; those after the last token are not set.</param>
    /// <param name="isCut">Whether tokens were left out.</param>
    /// <returns>Null, or the reason why the row cannot be used.</returns>
    public string? Encode(ReadOnlySpan<char> first, ReadOnlySpan<char> second, Span<byte> output, out bool isCut)
    {
        var row = PieceLists.Take(ref s_row);
        if (Encode(first, second, row, out var secondStart, out isCut) is { } reason)
            return reason;
        var tokens = MemoryMarshal.Cast<byte, int>(output)[HeaderNumbers..];
        var pieces = CollectionsMarshal.AsSpan(row);
        for (var i = 0; i < pieces.Length; i++)
            tokens[i] = pieces[i].Id;
        BinaryPrimitives.WriteInt32LittleEndian(output, pieces.Length);
        BinaryPrimitives.WriteInt32LittleEndian(output[sizeof(int)..], secondStart);
        return null;
    }

    /// <summary>Encodes a row as pieces; a special token stands for no characters: its start and end are 0.</summary>
    /// <param name="first">The text.</param>
    /// <param name="second">The second text; empty for single texts.</param>
    /// <param name="row">Empty; receives the pieces.</param>
    /// <param name="secondStart">Position from which the pieces belong to the second text.</param>
    /// <param name="isCut">Whether tokens were left out.</param>
    /// <returns>Null, or the reason why the row cannot be used.</returns>
    public string? Encode(
        ReadOnlySpan<char> first, ReadOnlySpan<char> second, List<TextPiece> row, out int secondStart, out bool isCut)
    {
        var (one, other) = (PieceLists.Take(ref s_first), PieceLists.Take(ref s_second));
        tokenizer.Encode(first, one);
        if (isPair)
            tokenizer.Encode(second, other);
        PieceLists.DropLarge(ref s_first);
        PieceLists.DropLarge(ref s_second);

        var room = maximumLength - SpecialTokens;
        isCut = one.Count + other.Count > room;
        secondStart = 0;
        if (isCut && truncation == TextTruncation.Refuse)
        {
            return FormattableString.Invariant(
                $"it has {one.Count + other.Count + SpecialTokens} tokens, and at most {maximumLength} are allowed");
        }
        var (ofFirst, ofSecond) = Share(one.Count, other.Count, room);
        var end = new TextPiece(tokenizer.Specials.End, 0, 0);
        row.Add(new TextPiece(tokenizer.Specials.Start, 0, 0));
        Append(one, ofFirst, row);
        row.Add(end);
        secondStart = row.Count;
        if (isPair)
        {
            for (var separator = 1; separator < tokenizer.PairSeparators; separator++)
                row.Add(end);
            secondStart = row.Count;
            Append(other, ofSecond, row);
            row.Add(end);
        }
        return null;
    }

    /// <summary>Writes tokens as an encoded row.</summary>
    public static void Write(ReadOnlySpan<int> tokens, int secondStart, Span<byte> output)
    {
        BinaryPrimitives.WriteInt32LittleEndian(output, tokens.Length);
        BinaryPrimitives.WriteInt32LittleEndian(output[sizeof(int)..], secondStart);
        MemoryMarshal.AsBytes(tokens).CopyTo(output[(HeaderNumbers * sizeof(int))..]);
    }

    /// <summary>The bytes of an encoded row that are set.</summary>
    public static ReadOnlySpan<byte> Used(ReadOnlySpan<byte> row) => row[..((HeaderNumbers + CountOf(row)) * sizeof(int))];

    /// <summary>Number of tokens of an encoded row.</summary>
    public static int CountOf(ReadOnlySpan<byte> row) => BinaryPrimitives.ReadInt32LittleEndian(row);

    /// <summary>Position from which the tokens of a row belong to the second text.</summary>
    public static int SecondStartOf(ReadOnlySpan<byte> row) => BinaryPrimitives.ReadInt32LittleEndian(row[sizeof(int)..]);

    /// <summary>The token ids of an encoded row.</summary>
    public static ReadOnlySpan<int> TokensOf(ReadOnlySpan<byte> row) =>
        MemoryMarshal.Cast<byte, int>(row).Slice(HeaderNumbers, CountOf(row));

    // Of two texts the longer one is cut first, as transformers' "longest_first" does.
    private static (int First, int Second) Share(int first, int second, int room)
    {
        if (first + second <= room)
            return (first, second);
        var half = (room + 1) / 2;
        return first <= half ? (first, room - first)
            : second <= room - half ? (room - second, second)
            : (half, room - half);
    }

    private void Append(List<TextPiece> pieces, int kept, List<TextPiece> row)
    {
        var atStart = truncation switch
        {
            _ when kept >= pieces.Count => pieces.Count,
            TextTruncation.KeepEnd => 0,
            TextTruncation.KeepBoth => kept / PartsAtStart,
            _ => kept,
        };
        var all = CollectionsMarshal.AsSpan(pieces);
        row.AddRange(all[..atStart]);
        row.AddRange(all[(all.Length - Math.Max(kept - atStart, 0))..]);
    }
}
