using System.Text.RegularExpressions;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Documents;

/// <summary>docs/troubleshooting.md shows the errors of the sources.</summary>
[TestClass]
public sealed partial class TroubleshootingTests
{
    private const string Page = "docs/troubleshooting.md";

    // What is thrown in these files, a user meets first: all of it is on the page.
    private static readonly string[] s_complete =
    [
        "Catalog/TrainerCatalog.cs", "Data/BadRowLog.cs", "Data/ImageFolder.cs", "Data/Labels/BooleanLabels.cs",
        "Data/Labels/ClassLabels.cs", "MlNet/Devices.cs", "Training/Checkpoints/RunCheckpoints.cs", "Training/TrainingData.cs",
        "Training/ValidationRows.cs", "Weights/FiniteNumbers.cs",
    ];

    [TestMethod]
    public void EveryTextOnThePageIsInTheSources()
    {
        var sources = Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Select(file => Joined(File.ReadAllText(file))).ToList();
        var texts = Texts(Pages.Read(Page));

        var stale = texts.Where(text => !sources.Any(Pattern(text).IsMatch)).ToList();

        Assert.IsGreaterThan(60, texts.Count);
        Assert.IsEmpty(stale, $"Nothing throws these texts any more:\n{string.Join('\n', stale)}");
    }

    [TestMethod]
    public void WhatAUserMeetsFirstIsOnThePage()
    {
        var patterns = Texts(Pages.Read(Page)).Select(Pattern).ToList();

        var missing = s_complete.SelectMany(file =>
        {
            var source = Joined(File.ReadAllText(Path.Combine(Repository.Root, "src", "MlNetFineTune", file)));
            var thrown = Thrown().Matches(source).Select(match => Statement(source, match.Index)).ToList();
            Assert.IsNotEmpty(thrown, file);
            return thrown.Where(statement => !patterns.Any(pattern => pattern.IsMatch(statement)))
                .Select(statement => $"{file}: {statement}");
        }).ToList();

        Assert.IsEmpty(missing, $"{Page} lacks:\n{string.Join('\n', missing)}");
    }

    [TestMethod]
    [DataRow("There is no file '…'.", true)]
    [DataRow("There is no file '…'. Make it.", false)]
    [DataRow("There are … of …: …", true)]
    [DataRow("There are … from …", false)]
    public void ATextIsFoundWithItsNamesAndAcrossLines(string text, bool isFound)
    {
        const string source = """
            throw new A($"There is no file '{name}'.");
            throw new B($"There are {x.Get("a")} "
                + $"of {y}: {z}");
            """;

        Assert.AreEqual(isFound, Pattern(text).IsMatch(Joined(source)));
    }

    /// <summary>The code in the first cells of the page's tables.</summary>
    private static List<string> Texts(string page) => [.. FirstCell().Matches(page).Select(match => match.Groups[1].Value)];

    /// <summary>Matches the text in source code, where names and numbers stand for each "…".</summary>
    private static Regex Pattern(string text) =>
        new(string.Join("""[^;]{0,400}?""", text.Split('…', StringSplitOptions.RemoveEmptyEntries).Select(Regex.Escape)));

    /// <summary>The source with literals that continue on the next line in one.</summary>
    private static string Joined(string source) => Continued().Replace(source.ReplaceLineEndings("\n"), "");

    private static string Statement(string source, int start) =>
        source[start..(source.IndexOf(";\n", start, StringComparison.Ordinal) is >= 0 and var end ? end : source.Length)];

    [GeneratedRegex(@"^\| `([^`]+)` \|", RegexOptions.Multiline)]
    private static partial Regex FirstCell();

    [GeneratedRegex("""
        "\s*\+\s*\$?"
        """)]
    private static partial Regex Continued();

    [GeneratedRegex(@"throw new \w+\(")]
    private static partial Regex Thrown();
}
