using System.Globalization;
using System.Text;

namespace MlNetFineTune.WeightSources;

/// <summary>
/// Names that may become files and folders of the cache, on every system: ASCII letters, digits and <c>. _ -</c>, so that no separator,
/// drive, stream, control character or <c>..</c> is among them, whatever the name.
/// </summary>
internal static class CacheName
{
    private const int MaximumLength = 150;

    private static readonly HashSet<string> s_devicesOfWindows = new(
        ["CON", "PRN", "AUX", "NUL", .. Enumerable.Range(0, 10).SelectMany(n => new[] { $"COM{n}", $"LPT{n}" })],
        StringComparer.OrdinalIgnoreCase);

    public static bool IsSafe(string name) =>
        name.Length is > 0 and <= MaximumLength
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-')
        && name[0] != '.' && name[^1] != '.' && !name.Contains("..", StringComparison.Ordinal)
        && !s_devicesOfWindows.Contains(name.Split('.')[0]);

    /// <summary>A revision as a folder's name: what is not safe in it becomes <c>%2F</c> and the like.</summary>
    public static string Escape(string revision)
    {
        var escaped = new StringBuilder();
        foreach (var b in Encoding.UTF8.GetBytes(revision))
        {
            if (char.IsAsciiLetterOrDigit((char)b) || b is (byte)'.' or (byte)'_' or (byte)'-')
                escaped.Append((char)b);
            else
                escaped.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }
        return escaped.ToString();
    }
}
