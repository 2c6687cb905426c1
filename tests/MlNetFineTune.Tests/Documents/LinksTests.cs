using System.Text.RegularExpressions;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Documents;

/// <summary>Links between the documents lead to a file and a heading, on the repository's page and on the site.</summary>
[TestClass]
public sealed partial class LinksTests
{
    [TestMethod]
    public void EveryLinkLeadsToAFileAndAHeading()
    {
        var links = Pages.All.SelectMany(page => Link().Matches(Pages.WithoutBlocks(Pages.Read(page)))
            .Select(match => (Page: page, Target: match.Groups[1].Value))).Where(link => !link.Target.Contains("://")).ToList();

        var dead = links.Where(link => !Exists(link.Page, link.Target)).Select(link => $"{link.Page}: {link.Target}").ToList();

        Assert.IsNotEmpty(links);
        Assert.IsEmpty(dead, string.Join('\n', dead));
    }

    [TestMethod]
    public void EveryPageIsInTheTableOfContents()
    {
        var listed = Entry().Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", "toc.yml")))
            .Select(match => match.Groups[1].Value).Where(page => page.EndsWith(".md", StringComparison.Ordinal))
            .Where(page => !page.StartsWith("../", StringComparison.Ordinal)).ToList();

        CollectionAssert.AreEquivalent(
            Pages.All.Where(page => page.StartsWith("docs/", StringComparison.Ordinal)).Select(page => page[5..]).ToList(), listed);
    }

    [TestMethod]
    [DataRow("## BatchNorm and batches of one row", "batchnorm-and-batches-of-one-row")]
    [DataRow("# Tasks: multiclass, binary", "tasks-multiclass-binary")]
    [DataRow("### `cold-start`", "cold-start")]
    [DataRow("## What is the same, and what is not", "what-is-the-same-and-what-is-not")]
    public void AHeadingHasThisAnchor(string heading, string anchor) => Assert.AreEqual(anchor, AnchorOf(heading));

    private static bool Exists(string page, string target)
    {
        var (path, anchor) = target.Split('#') is [var before, var after] ? (before, after) : (target, "");
        var file = path.Length == 0 ? Path.Combine(Repository.Root, page)
            : Path.GetFullPath(Path.Combine(Repository.Root, Path.GetDirectoryName(page)!, path));
        return File.Exists(file) && (anchor.Length == 0
            || Heading().Matches(Pages.WithoutBlocks(File.ReadAllText(file).ReplaceLineEndings("\n")))
                .Any(heading => AnchorOf(heading.Value) == anchor));
    }

    private static string AnchorOf(string heading) =>
        Punctuation().Replace(heading.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-');

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"href: ([^ }]+)")]
    private static partial Regex Entry();

    [GeneratedRegex("^#{1,6} .+$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex Punctuation();
}
