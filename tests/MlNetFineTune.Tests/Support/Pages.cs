using System.Text.RegularExpressions;

namespace MlNetFineTune.Tests.Support;

/// <summary>README.md and the pages in docs.</summary>
internal static partial class Pages
{
    /// <summary>Paths from the root of the repository.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        "README.md",
        .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md").Select(file => $"docs/{Path.GetFileName(file)}")
            .Order(StringComparer.Ordinal),
    ];

    public static string Read(string page) => File.ReadAllText(Path.Combine(Repository.Root, page)).ReplaceLineEndings("\n");

    /// <summary>The blocks of C# of a page, with the line before which each begins.</summary>
    public static IEnumerable<(int Line, string Code)> CodeOf(string text) => CSharp().Matches(text)
        .Select(match => (text.AsSpan(0, match.Index).Count('\n') + 1, match.Groups[1].Value));

    /// <summary>The page without its blocks of code.</summary>
    public static string WithoutBlocks(string text) => Block().Replace(text, "");

    [GeneratedRegex(@"^ *```csharp\n(.*?)^ *```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CSharp();

    [GeneratedRegex(@"^ *```.*?^ *```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}
