using System.Buffers;
using System.Globalization;
using System.Text;

namespace MlNetFineTune.Tokenizers;

/// <summary>
/// The lower case of Greek capital sigma: final where a cased letter stands before it and none after it in the same word, across
/// characters that case ignores (Unicode, section 3.13, Final_Sigma; Python's <c>str.lower</c> of a word between spaces).
/// </summary>
internal static class FinalSigma
{
    public const int Capital = 0x3A3;

    private const char Medial = '\u03c3';
    private const char Final = '\u03c2';

    /// <param name="text">The whole text.</param>
    /// <param name="at">Index of the sigma.</param>
    /// <param name="characters">What is dropped, and where words end.</param>
    public static char LowerCase(ReadOnlySpan<char> text, int at, BertCharacters characters) =>
        HasCasedBefore(text[..at], characters) && !HasCasedAfter(text[(at + 1)..], characters) ? Final : Medial;

    private static bool HasCasedBefore(ReadOnlySpan<char> text, BertCharacters characters)
    {
        while (!text.IsEmpty)
        {
            var status = Rune.DecodeLastFromUtf16(text, out var rune, out var length);
            if (status == OperationStatus.Done && Decide(rune, characters) is { } isCased)
                return isCased;
            text = text[..^length];
        }
        return false;
    }

    private static bool HasCasedAfter(ReadOnlySpan<char> text, BertCharacters characters)
    {
        while (!text.IsEmpty)
        {
            var status = Rune.DecodeFromUtf16(text, out var rune, out var length);
            if (status == OperationStatus.Done && Decide(rune, characters) is { } isCased)
                return isCased;
            text = text[length..];
        }
        return false;
    }

    // Null where the search goes on.
    private static bool? Decide(Rune rune, BertCharacters characters) => characters.Classify(rune.Value, out _) switch
    {
        BertCharacter.Dropped => null,
        BertCharacter.Space or BertCharacter.Ideograph => false,
        _ => IsIgnored(rune) ? null : IsCased(rune),
    };

    // Case_Ignorable: by category, and the marks within words of Word_Break (MidLetter, MidNumLet, Single_Quote).
    private static bool IsIgnored(Rune rune) => Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format or UnicodeCategory.ModifierLetter
        or UnicodeCategory.ModifierSymbol
        || rune.Value is '\'' or '.' or ':' or 0xB7 or 0x387 or 0x55F or 0x5F4 or 0x2018 or 0x2019 or 0x2024 or 0x2027 or 0xFE13 or 0xFE52
            or 0xFE55 or 0xFF07 or 0xFF0E or 0xFF1A;

    // Cased: by category, Other_Lowercase and Other_Uppercase (ordinal indicators, Roman numerals, letters in circles and squares).
    private static bool IsCased(Rune rune) => Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
        || rune.Value is 0xAA or 0xBA or >= 0x2160 and <= 0x217F or >= 0x24B6 and <= 0x24E9 or >= 0x1F130 and <= 0x1F149
            or >= 0x1F150 and <= 0x1F169 or >= 0x1F170 and <= 0x1F189;
}
