using System.Globalization;
using System.Text;

namespace MlNetFineTune.Tokenizers;

/// <summary>
/// A text in Unicode's normalization form C (UAX #15, https://www.unicode.org/reports/tr15/), and for each of its UTF-16 units the range of
/// the given text that it came from. Marks that become one character with the letter before them have its range.
/// </summary>
internal sealed class ComposedText
{
    // Below it no character composes with another or changes.
    private const char FirstThatChanges = '\u0300';

    // ICU refuses a text with it; no character composes across it.
    private const char Noncharacter = '\ufffe';

    // ICU sorts the marks after a letter in the square of their number: so many belong to no letter of a real text, and are cut.
    private const int LongestCluster = 128;

    private readonly List<char> _units;
    private readonly List<int> _starts;
    private readonly List<int> _ends;

    private ComposedText(int capacity) => (_units, _starts, _ends) = (new(capacity), new(capacity), new(capacity));

    /// <summary>The composed text.</summary>
    public ReadOnlySpan<char> Text => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_units);

    /// <exception cref="PlatformNotSupportedException">This process has no Unicode normalization.</exception>
    public static void RequireSupport()
    {
        if (!BertCharacters.CanDecompose(text => text.Normalize(NormalizationForm.FormD)))
        {
            throw new PlatformNotSupportedException(
                "This tokenizer composes characters (NFC), which needs Unicode normalization, and this process has none: it runs in "
                + "invariant-globalization mode. Remove InvariantGlobalization from the project (or DOTNET_SYSTEM_GLOBALIZATION_INVARIANT "
                + "from the environment) and install ICU (libicu).");
        }
    }

    /// <param name="text">Text without half surrogate pairs.</param>
    /// <returns>Null if the text is already composed.</returns>
    public static ComposedText? Of(ReadOnlySpan<char> text)
    {
        if (text.IndexOfAnyInRange(FirstThatChanges, char.MaxValue) < 0)
            return null;
        if (!text.Contains(Noncharacter) && !HasLongCluster(text) && text.ToString().IsNormalized(NormalizationForm.FormC))
            return null;
        var composed = new ComposedText(text.Length);
        for (var start = 0; start < text.Length;)
        {
            var end = EndOfCluster(text, start);
            composed.Add(text[start..end], start);
            start = end;
        }
        return composed;
    }

    /// <summary>A piece of the composed text as one of the given text.</summary>
    public TextPiece Align(TextPiece piece) =>
        new(piece.Id, _starts[piece.Start], piece.End > piece.Start ? _ends[piece.End - 1] : _starts[piece.Start]);

    private static bool HasLongCluster(ReadOnlySpan<char> text)
    {
        for (var start = 0; start < text.Length;)
        {
            var end = EndOfCluster(text, start);
            if (end - start >= LongestCluster)
                return true;
            start = end;
        }
        return false;
    }

    // A character and the marks after it, which compose with no other.
    private static int EndOfCluster(ReadOnlySpan<char> text, int start)
    {
        var end = start + RuneAt(text, start).Utf16SequenceLength;
        while (text[start] != Noncharacter && end < text.Length && end - start < LongestCluster
            && RuneAt(text, end) is var next && ComposesWithBefore(next))
            end += next.Utf16SequenceLength;
        return end;
    }

    // Marks; and vowels and final consonants of Hangul, and vowels of Kirat Rai, which are letters.
    private static bool ComposesWithBefore(Rune rune) =>
        rune.Value is >= 0x1160 and <= 0x11FF or >= 0x16D63 and <= 0x16D6A
        || rune.Value >= FirstThatChanges && Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;

    private void Add(ReadOnlySpan<char> cluster, int start)
    {
        ReadOnlySpan<char> composed = cluster[0] == Noncharacter ? cluster : cluster.ToString().Normalize(NormalizationForm.FormC);
        var isSame = composed.SequenceEqual(cluster);
        for (var i = 0; i < composed.Length; i++)
        {
            _units.Add(composed[i]);
            _starts.Add(isSame ? start + i : start);
            _ends.Add(start + (isSame ? i + 1 : cluster.Length));
        }
    }

    private static Rune RuneAt(ReadOnlySpan<char> text, int at)
    {
        _ = Rune.DecodeFromUtf16(text[at..], out var rune, out _);
        return rune;
    }
}
