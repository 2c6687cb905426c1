using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;

namespace MlNetFineTune.Reporting;

/// <summary>
/// HTML as an interpolated string. Every interpolated value is escaped unless it is markup itself, because class names are arbitrary text.
/// </summary>
[InterpolatedStringHandler]
internal readonly struct Markup
{
    private readonly StringBuilder _text;

    public Markup(int literalLength, int formattedCount) => _text = new StringBuilder(literalLength + 16 * formattedCount);

    public static Markup None => $"";

    public void AppendLiteral(string text) => _text.Append(text);

    public void AppendFormatted(Markup inner) => _text.Append(inner._text);

    public void AppendFormatted(IEnumerable<Markup> parts)
    {
        foreach (var part in parts)
            _text.Append(part._text);
    }

    public void AppendFormatted<T>(T value, string? format = null) =>
        _text.Append(
            WebUtility.HtmlEncode(value is IFormattable number ? number.ToString(format, CultureInfo.InvariantCulture)
                : value?.ToString()));

    public override string ToString() => _text.ToString();
}
