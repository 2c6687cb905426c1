using System.Globalization;
using System.Text;

namespace MlNetFineTune.Tokenizers;

/// <summary>
/// The words of GPT-2 (encoder.py): English contractions, letters, numbers, or other characters, each with one space before, and white
/// space, <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>. Not a <see
/// cref="System.Text.RegularExpressions.Regex"/>, to which a letter beyond U+FFFF is two that are none.
/// </summary>
internal static class BytePairWords
{
    private enum Kind
    {
        Space,
        Letter,
        Number,
        Other,
    }

    /// <returns>Length of the first word of a text that is not empty.</returns>
    public static int FirstLength(ReadOnlySpan<char> text)
    {
        if (text[0] == '\'' && Contraction(text) is > 0 and var contraction)
            return contraction;
        var space = text[0] == ' ' ? 1 : 0;
        if (space < text.Length && KindAt(text, space, out _) is var kind and not Kind.Space)
            return Run(text, space, kind);
        var end = Run(text, 0, Kind.Space);
        var last = end - 1; // no white space is beyond U+FFFF
        return end == text.Length || last == 0 ? end : last;
    }

    private static int Contraction(ReadOnlySpan<char> text) =>
        text.Length > 1 && text[1] is 's' or 't' or 'm' or 'd' ? 2
        : text.Length > 2 && text[1..3] is "re" or "ve" or "ll" ? 3
        : 0;

    private static int Run(ReadOnlySpan<char> text, int start, Kind kind)
    {
        var end = start;
        while (end < text.Length && KindAt(text, end, out var length) == kind)
            end += length;
        return end;
    }

    private static Kind KindAt(ReadOnlySpan<char> text, int at, out int length)
    {
        _ = Rune.DecodeFromUtf16(text[at..], out var rune, out length);
        return rune.IsAscii && Rune.IsLetter(rune) ? Kind.Letter
            : Rune.IsWhiteSpace(rune) ? Kind.Space
            : Rune.GetUnicodeCategory(rune) switch
            {
                UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
                    or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => Kind.Letter,
                UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
                _ => Kind.Other,
            };
    }
}
