using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Pretrain;

/// <summary>
/// The English of XML documentation files, such as those of .NET's reference packs, which every SDK has. References to types and parameters
/// are written as words: <c>FileStream</c> becomes "file stream".
/// </summary>
internal static partial class DocumentationTexts
{
    private const int FewestWords = 4, LongestText = 600;

    // One of two packs has a copy of the other's files.
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">The folder has no documentation.</exception>
    public static IEnumerable<CorpusEntry> Read(string folder)
    {
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"There is no folder '{folder}' of reference packs.");
        var files = Directory.EnumerateFiles(folder, "*.xml", SearchOption.AllDirectories)
            .GroupBy(Path.GetFileName, StringComparer.Ordinal).OrderBy(same => same.Key, StringComparer.Ordinal)
            .Select(same => same.Order(StringComparer.Ordinal).First()).ToList();
        if (files.Count == 0)
            throw new FileNotFoundException($"'{folder}' has no XML documentation.");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        return files.SelectMany(file => ReadFile(file, seen));
    }

    private static IEnumerable<CorpusEntry> ReadFile(string path, HashSet<string> seen)
    {
        foreach (var member in XDocument.Load(path).Descendants("member"))
        {
            string[] texts = [.. member.Elements().Where(element => element.Name != "example").Select(Text).Where(IsProse).Distinct()];
            string[] unseen = [.. texts.Where(seen.Add)];
            // Overloads say the same: they would be pairs of different entries that mean one thing.
            if (unseen.Length > 0)
                yield return new CorpusEntry(string.Join(' ', unseen), unseen.Contains(texts[0]) ? texts : unseen);
        }
    }

    private static string Text(XElement element)
    {
        var text = new StringBuilder();
        Append(element, text);
        var clean = Spaces().Replace(text.ToString(), " ").Trim();
        return clean.Length <= LongestText ? clean : clean[..LongestText];
    }

    private static void Append(XElement element, StringBuilder text)
    {
        foreach (var node in element.Nodes())
        {
            if (node is XText words)
                text.Append(words.Value);
            else if (node is XElement { Name.LocalName: not "code" } inner)
            {
                if (inner.Nodes().Any())
                    Append(inner, text);
                else if ((inner.Attribute("cref") ?? inner.Attribute("name") ?? inner.Attribute("langword")) is { } name)
                    text.Append(Words(name.Value));
                if (inner.Name.LocalName is "para" or "item" or "list")
                    text.Append(' ');
            }
        }
    }

    // M:System.IO.FileStream.ReadByte(System.Int32) -> read byte
    private static string Words(string reference)
    {
        var name = reference.Split('(', '`', '{')[0];
        return CaseChanges().Replace(name[(name.LastIndexOfAny(['.', ':']) + 1)..], " ").ToLowerInvariant();
    }

    // Names of instructions and signatures are no English.
    private static bool IsProse(string text) =>
        text.Count(c => c == ' ') >= FewestWords - 1 && !text.Contains('_', StringComparison.Ordinal)
        && text.Count(c => char.IsAsciiLetter(c) || c is ' ' or ',' or '.' or '\'') > 0.9 * text.Length;

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    [GeneratedRegex("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")]
    private static partial Regex CaseChanges();
}
