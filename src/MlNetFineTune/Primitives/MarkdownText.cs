using System.Text;

namespace MlNetFineTune.Primitives;

/// <summary>Text from outside, such as the name of a class, as Markdown that shows the text and does nothing else.</summary>
internal static class MarkdownText
{
    // CommonMark allows a backslash before every ASCII punctuation character. These mean nothing inside a line or a cell of a table.
    private const string Plain = ",'\"%/=;?+-";

    /// <param name="text">The text; null gives an empty one.</param>
    /// <param name="limit">Maximum length in characters, before the escapes.</param>
    public static string Of(string? text, int limit = SafeText.NameLength)
    {
        var escaped = new StringBuilder();
        foreach (var character in SafeText.Of(text, limit))
        {
            if (char.IsAsciiLetterOrDigit(character) || !char.IsAscii(character) || character == ' ' || Plain.Contains(character))
                escaped.Append(character);
            else
                escaped.Append('\\').Append(character);
        }
        return escaped.ToString();
    }
}
