using System.Globalization;
using System.Text;

namespace MlNetFineTune;

/// <summary>
/// Text from outside (a file's tensor names, a manifest, a server's answer, a value of a data column), made safe for a message or a line of
/// a log: bounded in length, in one line, and without characters that control a terminal or that hide or reorder others. Apostrophes and
/// backslashes stay, because names and paths contain them.
/// </summary>
internal static class SafeText
{
    /// <summary>Limit for the name of a tensor or class, in characters; the longest real ones have about 60.</summary>
    public const int NameLength = 100;

    /// <summary>Limit for a path, or for a message of another library that contains such text, in characters.</summary>
    public const int SentenceLength = 500;

    private const int MostSizes = 16;
    private const int MostNames = 20;

    /// <summary>The text as by <see cref="Of"/>, in single quotation marks.</summary>
    public static string Quoted(string? text, int limit = NameLength) => $"'{Of(text, limit)}'";

    /// <summary>The text itself where it is short and printable, else what can be printed of its beginning;
    /// "..." and its length follow what was cut.</summary>
    /// <param name="text">The text; null gives an empty one.</param>
    /// <param name="limit">Maximum length of the result in characters, without the note on what was cut.</param>
    public static string Of(string? text, int limit = NameLength)
    {
        if (text is null)
            return "";
        var shown = new StringBuilder(Math.Min(text.Length, limit));
        for (var at = 0; at < text.Length;)
        {
            var isWhole = Rune.TryGetRuneAt(text, at, out var rune);
            var length = isWhole ? rune.Utf16SequenceLength : 1;
            var part = isWhole && IsPrintable(rune) ? text.AsSpan(at, length) : Escaped(text.AsSpan(at, length));
            if (shown.Length + part.Length > limit)
                return shown.Append(CultureInfo.InvariantCulture, $"... ({text.Length} characters)").ToString();
            shown.Append(part);
            at += length;
        }
        return shown.ToString();
    }

    /// <summary>The message of another library's exception, in one line.</summary>
    public static string Message(Exception e) => Of(e.Message.ReplaceLineEndings(" "), SentenceLength);

    /// <summary>A shape as <c>[2, 3]</c>; of a great many dimensions the first ones and how many there are.</summary>
    public static string Shape(IReadOnlyCollection<long> sizes)
    {
        var shown = string.Join(", ", sizes.Take(MostSizes).Select(size => size.ToString(CultureInfo.InvariantCulture)));
        return sizes.Count <= MostSizes
            ? $"[{shown}]"
            : string.Create(CultureInfo.InvariantCulture, $"[{shown}, ... ({sizes.Count} dimensions)]");
    }

    private static bool IsPrintable(Rune rune) => Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);

    private static string Escaped(ReadOnlySpan<char> units) => units switch
    {
        "\n" => @"\n",
        "\r" => @"\r",
        "\t" => @"\t",
        _ => string.Concat(units.ToArray().Select(unit => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}"))),
    };

    /// <summary>The first of many names, for a sentence, and the number of further ones; "none" without names.</summary>
    /// <param name="names">All names.</param>
    /// <param name="quoted">Whether names are put in single quotation marks.</param>
    public static string Several(IReadOnlyCollection<string> names, bool quoted = false)
    {
        var first = string.Join(", ", names.Take(MostNames).Select(name => quoted ? Quoted(name) : Of(name)));
        return names.Count == 0 ? "none"
            : names.Count <= MostNames ? Of(first, SentenceLength)
            : string.Create(CultureInfo.InvariantCulture, $"{Of(first, SentenceLength)} and {names.Count - MostNames} more");
    }
}
