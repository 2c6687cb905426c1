using System.Text.RegularExpressions;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests;

/// <summary>
/// No document has a placeholder, such as a name in capitals between two signs "@" or alone on a line or in a cell of a table, where a
/// measured number belongs.
/// </summary>
[TestClass]
public sealed partial class PlaceholderTests
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
            .Where(line => Placeholder().IsMatch(line.Item))
            .Select(line => $"{Path.GetRelativePath(Repository.Root, file)}:{line.Index + 1}: {line.Item}")).ToList();

        Assert.IsGreaterThan(1, files.Length);
        Assert.IsEmpty(left, string.Join('\n', left));
    }

    [TestMethod]
    [DataRow("V2ROWS", true)]
    [DataRow("  TABLE ", true)]
    [DataRow("TODO", true)]
    [DataRow("STUDY_ROWS", true)]
    [DataRow("took @SECONDS@ s", true)]
    [DataRow("| MobileNetV2 | V2ROWS |", true)]
    [DataRow("", false)]
    [DataRow("12345", false)]
    [DataRow("ONNX", false)]
    [DataRow("| CPU | 12345 | AVX512_BF16 |", false)]
    [DataRow("EVERY WORD in capitals", false)]
    [DataRow("|---|---|", false)]
    public void APlaceholderIsSeenAndOtherLinesAreNot(string line, bool isPlaceholder) =>
        Assert.AreEqual(isPlaceholder, Placeholder().IsMatch(line));

    // A line or a cell of capitals and digits: in cells, where abbreviations are common, only those that end as placeholders do.
    [GeneratedRegex("""@[A-Z]+@|^\s*(TODO|(?=[0-9_]*[A-Z])[A-Z0-9_]{5,})\s*$|\|\s*[A-Z0-9_]*(ROWS?|TABLE|NUMBERS?|TODO)\s*(\||$)""")]
    private static partial Regex Placeholder();
}
