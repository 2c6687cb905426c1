using System.Text;

namespace MlNetFineTune.Primitives;

/// <summary>
/// Text from outside, such as the name of a class, as Markdown that shows the text and does nothing else, inside a line or a cell of a
/// table.
/// </summary>
internal static class MarkdownText
{
    // CommonMark allows a backslash before every ASCII punctuation character. Others mean something at the start of a line only.
    private const string Meaningful = "\\`*_[]<>{}|~&$#@^!";

    /// <param name="text">The text; null gives an empty one.</param>
    /// <param name="limit">Maximum length in characters, before the escapes.</param>
    public static string Of(string? text, int limit = SafeText.NameLength)
    {
        var shown = SafeText.Of(text, limit);
        var escaped = new StringBuilder(shown.Length);
        for (var at = 0; at < shown.Length; at++)
        {
            if (Meaningful.Contains(shown[at]) || BeginsAddress(shown, at))
                escaped.Append('\\');
            escaped.Append(shown[at]);
        }
        return escaped.ToString();
    }

    // GitHub makes links of bare addresses: of https://example.org and of www.example.org.
    private static bool BeginsAddress(string text, int at) => text[at] switch
    {
        ':' => at + 1 < text.Length && text[at + 1] == '/',
        '.' => at > 0 && text[at - 1] is 'w' or 'W',
        _ => false,
    };
}
