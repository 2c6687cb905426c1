using System.Text.RegularExpressions;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Documents;

/// <summary>A measured number on a page of advice is on the page that it names as its source.</summary>
[TestClass]
public sealed partial class CitedNumbersTests
{
    [TestMethod]
    [DataRow("docs/choosing.md")]
    [DataRow("docs/small-data.md")]
    [DataRow("docs/imbalanced-data.md")]
    public void EveryNumberIsOnThePageThatIsCited(string page)
    {
        var cited = Cited(Pages.WithoutBlocks(Pages.Read(page))).ToList();

        var lost = cited.Where(one => !one.Sources.Any(source => Numbers(Pages.Read($"docs/{source}")).Contains(one.Number)))
            .Select(one => $"{one.Number}: not in the sources that are cited ({string.Join(", ", one.Sources)})").ToList();

        Assert.IsGreaterThan(5, cited.Count);
        Assert.IsEmpty(lost, string.Join('\n', lost));
    }

    [TestMethod]
    public void ARowWithoutASourceHasThatOfTheParagraphBefore()
    {
        const string page = "From [a](a.md):\n\n| x | .95 |\n| y | 1.5 ([b](b.md)) |\n\nNothing `0.3f` 2.10.0 of 2.25.\n";

        var cited = Cited(page).Select(one => $"{one.Number} {string.Join(' ', one.Sources)}").ToArray();

        CollectionAssert.AreEqual(new[] { ".95 a.md", "1.5 b.md", "2.25 " }, cited);
    }

    private static IEnumerable<(string Number, IReadOnlyList<string> Sources)> Cited(string page)
    {
        IReadOnlyList<string> before = [];
        foreach (var block in page.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            var isTable = block.TrimStart('\n').StartsWith('|');
            foreach (var part in isTable ? block.Split('\n') : [block])
            {
                IReadOnlyList<string> own = [.. Source().Matches(part).Select(match => match.Groups[1].Value)];
                foreach (var number in Numbers(Code().Replace(part, "")))
                    yield return (number, own.Count > 0 || !isTable ? own : before);
            }
            if (!isTable)
                before = [.. Source().Matches(block).Select(match => match.Groups[1].Value)];
        }
    }

    private static HashSet<string> Numbers(string text) => [.. Number().Matches(text).Select(match => match.Value)];

    // 0.95, .95, but no version of three parts and no end of a word.
    [GeneratedRegex(@"(?<![\w.])\d*\.\d+(?![\w.]*\d)")]
    private static partial Regex Number();

    [GeneratedRegex(@"\]\(([\w-]+\.md)[^)]*\)")]
    private static partial Regex Source();

    [GeneratedRegex("`[^`]*`")]
    private static partial Regex Code();
}
