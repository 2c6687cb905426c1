using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace MlNetFineTune.Tokenizers;

/// <summary>What BERT does to characters before it looks for words.</summary>
internal readonly record struct BertNormalization(bool LowerCase, bool StripAccents, bool SeparateIdeographs);

/// <summary>What one character is to BERT.</summary>
internal enum BertCharacter : byte
{
    /// <summary>Part of a word, as it is.</summary>
    Plain,

    /// <summary>Part of a word, as another text.</summary>
    Mapped,

    /// <summary>A spacing mark that canonical ordering may move before marks on its left.</summary>
    OrderedMark,

    /// <summary>Greek capital sigma, whose lower case depends on its neighbours.</summary>
    CapitalSigma,

    /// <summary>Left out as an accent.</summary>
    Accent,

    /// <summary>Left out as an accent; canonical ordering moves no mark across it.</summary>
    OrderingAccent,

    /// <summary>Left out: control, format, private, unassigned, half a surrogate pair.</summary>
    Dropped,

    /// <summary>Between words.</summary>
    Space,

    /// <summary>A word of its own; an accent after it belongs to it.</summary>
    Punctuation,

    /// <summary>A word of its own, with a space on both sides.</summary>
    Ideograph,
}

/// <summary>
/// The character rules of Google's BERT (<c>BasicTokenizer</c>, https://github.com/google-research/bert, tokenization.py), per code point:
/// clean, separate ideographs, lower case as Python, NFD without nonspacing marks, punctuation. Tables of 256 code points are made when
/// a text needs them: at most a few megabytes for all of Unicode.
/// </summary>
internal sealed class BertCharacters
{
    private const int PageSize = 256;
    private const int LastCodePoint = 0x10FFFF;

    // Combining class 240, the highest: every mark of another class but 0 moves before it.
    private const string LastMark = "\u0345";

    private static readonly ConcurrentDictionary<BertNormalization, BertCharacters> s_all = new();

    private readonly BertNormalization _normalization;
    private readonly Page?[] _pages = new Page?[(LastCodePoint + 1) / PageSize];

    private BertCharacters(BertNormalization normalization) => _normalization = normalization;

    /// <exception cref="PlatformNotSupportedException">Accents cannot be stripped in this process.</exception>
    public static BertCharacters Of(BertNormalization normalization) =>
        !normalization.StripAccents || CanDecompose(text => text.Normalize(NormalizationForm.FormD))
            ? s_all.GetOrAdd(normalization, one => new BertCharacters(one))
            : throw new PlatformNotSupportedException(
                "An uncased BERT tokenizer strips accents, which needs Unicode normalization, and this process has none: it runs in "
                + "invariant-globalization mode. Remove InvariantGlobalization from the project (or DOTNET_SYSTEM_GLOBALIZATION_INVARIANT "
                + "from the environment) and install ICU (libicu), or use a cased model.");

    internal static bool CanDecompose(Func<string, string> normalize)
    {
        try
        {
            return normalize("\u00e9") == "e\u0301";
        }
        catch (PlatformNotSupportedException)
        {
            return false;
        }
    }

    /// <param name="codePoint">A code point.</param>
    /// <param name="text">The text that it becomes, if it becomes another one.</param>
    public BertCharacter Classify(int codePoint, out string? text)
    {
        var page = _pages[codePoint / PageSize] ?? MakePage(codePoint / PageSize);
        text = page.Texts[codePoint % PageSize];
        return page.Kinds[codePoint % PageSize];
    }

    /// <summary>Whether canonical ordering puts the second mark before the first.</summary>
    public static bool Swaps(Rune first, Rune second) =>
        first != second && $"{first}{second}".Normalize(NormalizationForm.FormD).StartsWith(second.ToString(), StringComparison.Ordinal);

    // Two threads may make the same page; either is right.
    private Page MakePage(int number)
    {
        var page = new Page(new BertCharacter[PageSize], new string?[PageSize]);
        for (var i = 0; i < PageSize; i++)
            page.Kinds[i] = Classify(number * PageSize + i, out page.Texts[i], _normalization);
        Volatile.Write(ref _pages[number], page);
        return page;
    }

    private static BertCharacter Classify(int codePoint, out string? text, BertNormalization normalization)
    {
        text = null;
        if (!Rune.TryCreate(codePoint, out var rune) || codePoint is 0 or 0xFFFD)
            return BertCharacter.Dropped;
        if (codePoint is '\t' or '\n' or '\r')
            return BertCharacter.Space;
        var category = Rune.GetUnicodeCategory(rune);
        if (category is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned)
            return BertCharacter.Dropped;
        // Python's split() also splits at line and paragraph separators, which BERT does not make spaces.
        if (category is UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
            return BertCharacter.Space;

        if (codePoint == FinalSigma.Capital && normalization.LowerCase)
            return BertCharacter.CapitalSigma;
        var whole = normalization.LowerCase ? Lower(rune) : rune.ToString();
        if (normalization.StripAccents)
            whole = WithoutAccents(whole);
        if (whole.Length == 0)
            return IsMovable(rune) ? BertCharacter.Accent : BertCharacter.OrderingAccent;
        if (whole != rune.ToString())
            text = whole;
        if (normalization.SeparateIdeographs && IsIdeograph(codePoint))
            return BertCharacter.Ideograph;
        // No character becomes punctuation and something else.
        if (Rune.DecodeFromUtf16(whole, out var first, out var length) == OperationStatus.Done && length == whole.Length
            && IsPunctuation(first))
        {
            return BertCharacter.Punctuation;
        }
        return text is not null ? BertCharacter.Mapped
            : normalization.StripAccents && category == UnicodeCategory.SpacingCombiningMark && IsMovable(rune) ? BertCharacter.OrderedMark
            : BertCharacter.Plain;
    }

    // Python's: the only character with a longer lower case is this one.
    private static string Lower(Rune rune) => rune.Value == 0x130 ? "i\u0307" : Rune.ToLowerInvariant(rune).ToString();

    private static string WithoutAccents(string text) => string.Concat(text.Normalize(NormalizationForm.FormD).EnumerateRunes()
        .Where(rune => Rune.GetUnicodeCategory(rune) != UnicodeCategory.NonSpacingMark));

    // Combining class other than 0.
    private static bool IsMovable(Rune mark) =>
        mark.ToString() == LastMark
        || !$"{LastMark}{mark}".Normalize(NormalizationForm.FormD).StartsWith(LastMark, StringComparison.Ordinal);

    // ASCII symbols such as $ and ^ count as punctuation.
    private static bool IsPunctuation(Rune rune) =>
        rune.IsAscii ? rune.Value > ' ' && !Rune.IsLetterOrDigit(rune) : Rune.IsPunctuation(rune);

    // The blocks that BERT names, not the script.
    private static bool IsIdeograph(int codePoint) => codePoint is
        >= 0x4E00 and <= 0x9FFF or >= 0x3400 and <= 0x4DBF or >= 0x20000 and <= 0x2A6DF or >= 0x2A700 and <= 0x2B73F
        or >= 0x2B740 and <= 0x2B81F or >= 0x2B820 and <= 0x2CEAF or >= 0xF900 and <= 0xFAFF or >= 0x2F800 and <= 0x2FA1F;

    private sealed record Page(BertCharacter[] Kinds, string?[] Texts);
}
