using System.Text.RegularExpressions;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests;

/// <summary>
/// No document has a placeholder, such as a name in capitals between two signs "@" or alone on a line, where a measured number belongs.
/// </summary>
[TestClass]
public sealed class PlaceholderTests
{
    [TestMethod]
    public void NoDocumentHasAPlaceholder()
    {
        string[] files =
        [
            Path.Combine(Repository.Root, "README.md"),
            .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories),
        ];

        var left = files.SelectMany(file => File.ReadLines(file).Index()
            .Where(line => Regex.IsMatch(line.Item, "@[A-Z]+@|^(TABLE|NUMBERS|TODO)$"))
            .Select(line => $"{Path.GetRelativePath(Repository.Root, file)}:{line.Index + 1}: {line.Item}")).ToList();

        Assert.IsGreaterThan(1, files.Length);
        Assert.IsEmpty(left, string.Join('\n', left));
    }
}
