using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using MlNetFineTune.Benchmarks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Benchmarks;

/// <summary>The pages show the recorded results, and nothing else between their markers.</summary>
[TestClass]
public sealed partial class BenchmarkPageTests
{
    private static readonly ResultFolder s_folder = new(Repository.Root);

    private static readonly BenchmarkResult s_result = new(
        "some", 1.5, Machine: null, "2026-01-02", 10, 20, 0.25, 3.5, "a note", "It is **1.5 times** as fast.",
        [new(["what", "rate"], [["ours", "3.0"], ["theirs", "2.0"]])], ["printed"]);

    [TestMethod]
    public void ThePagesShowTheRecordedResults()
    {
        var results = s_folder.Read();
        Assert.IsNotEmpty(results);
        foreach (var page in s_folder.Pages)
        {
            var text = File.ReadAllText(page);
            Assert.AreEqual(BenchmarkPage.Write(text, results), text,
                $"{Path.GetFileName(page)} is stale: run the benchmarks' command 'docs', which writes the results into it.");
        }
    }

    [TestMethod]
    public void EveryResultIsShown()
    {
        var results = s_folder.Read();

        var shown = s_folder.Pages.SelectMany(page => BenchmarkPage.NamesIn(File.ReadAllText(page), results.Keys)).ToList();

        CollectionAssert.AreEquivalent(results.Keys.ToList(), shown);
    }

    [TestMethod]
    public void EverySummaryIsShown()
    {
        var summarized = s_folder.Read().Where(one => one.Value.Summary is not null).Select(one => one.Key).ToList();
        Assert.IsNotEmpty(summarized);

        var shown = s_folder.Pages.SelectMany(page => BenchmarkPage.SummariesIn(File.ReadAllText(page))).ToList();

        CollectionAssert.IsSubsetOf(summarized, shown);
    }

    [TestMethod]
    public void PagesStayWhereOneOfThemCannotBeWritten()
    {
        using var folder = new Folder();
        var repository = CreateRepository(folder.Path, "<!-- result some -->\n<!-- end -->\n", "<!-- summary some -->\n<!-- end -->\n");
        repository.Write(s_result with { Summary = null });
        string[] before = [.. repository.Pages.Select(File.ReadAllText)];

        var error = Assert.ThrowsExactly<InvalidDataException>(repository.WritePages);

        Assert.Contains("README.md: The result 'some' has no summary", error.Message);
        CollectionAssert.AreEqual(before, repository.Pages.Select(File.ReadAllText).ToArray());
    }

    [TestMethod]
    public void FilesThatAreNoResultsAreNamed()
    {
        using var folder = new Folder();
        var repository = CreateRepository(folder.Path, "", "");
        repository.Write(s_result);
        File.WriteAllText(Path.Combine(folder.Path, "benchmarks", "results", "other.json"), "{ \"benchmark\": 1 }");

        Assert.Contains("'other.json' is not a result", Assert.ThrowsExactly<InvalidDataException>(() => repository.Read()).Message);
    }

    [TestMethod]
    public void StoredResultsAreReadAndWrittenWithoutChange()
    {
        foreach (var (name, json) in StoredFiles())
        {
            var result = BenchmarkResult.Parse(json);
            Assert.AreEqual(json, result.ToJson(), name);
            Assert.IsTrue(result.Tables.All(table => table.Rows.All(row => row.Count == table.Columns.Count)), name);
        }
    }

    [TestMethod]
    public void AMemberThatResultsDoNotHaveIsRefused() => Assert.Contains("speed", Assert.ThrowsExactly<JsonException>(
        () => BenchmarkResult.Parse(s_result.ToJson().Replace("\"benchmark\"", "\"speed\": 1, \"benchmark\""))).Message);

    [TestMethod]
    public void StoredResultsHaveNoPathsOfAMachine()
    {
        foreach (var (name, json) in StoredFiles())
            Assert.IsFalse(MachinePath().IsMatch(json), $"{name} has a path: {MachinePath().Match(json).Value}");
        Assert.IsTrue(MachinePath().IsMatch("(random weights: there is no '/home/some/weights')"));
        Assert.IsTrue(MachinePath().IsMatch("\"C:\\\\Users\\\\some\""));
    }

    [TestMethod]
    public void TablesReplaceWhatIsBetweenTheMarkers()
    {
        const string before = "Text.\n<!-- result some -->\nstale\n<!-- end -->\n<!-- summary some -->\n<!-- end -->\nMore.\n";

        var page = BenchmarkPage.Write(before, Named(("some", s_result)));

        Assert.AreEqual(
            "Text.\n<!-- result some -->\n\n| what | rate |\n|---|---|\n| ours | 3.0 |\n| theirs | 2.0 |\n\n"
            + "`ratio some 1.50`; 2026-01-02; 10 s, 20 s of CPU time, 25 % of it in the kernel; load of other "
            + "programs before it 3.5; a note.\n<!-- end -->\n"
            + "<!-- summary some -->\nIt is **1.5 times** as fast.\n<!-- end -->\nMore.\n", page);
        Assert.AreEqual(page, BenchmarkPage.Write(page, Named(("some", s_result))), "written again");
    }

    [TestMethod]
    public void ThePlaceOfAllResultsLeavesOutThoseInSubfolders()
    {
        var results = Named(("some", s_result), ("earlier/some", s_result with { Note = "an old one" }), ("another", s_result));

        var page = BenchmarkPage.Write("<!-- results -->\n<!-- end -->", results);

        Assert.AreEqual(2, page.Split("a note").Length - 1);
        Assert.DoesNotContain("an old one", page);
        Assert.IsLessThan(page.IndexOf("### `some`", StringComparison.Ordinal), page.IndexOf("### `another`", StringComparison.Ordinal));
    }

    [TestMethod]
    [DataRow("<!-- result absent -->\n<!-- end -->", "'absent'")]
    [DataRow("<!-- result some -->\nno end", "no <!-- end -->")]
    [DataRow("<!-- result some -->\n<!-- summary some -->\n<!-- end -->", "no <!-- end -->")]
    [DataRow("<!-- summary without -->\n<!-- end -->", "'without' has no summary")]
    public void MarkersWithoutResultSummaryOrEndAreRefused(string page, string message) => Assert.Contains(
        message, Assert.ThrowsExactly<InvalidDataException>(
            () => BenchmarkPage.Write(page, Named(("some", s_result), ("without", s_result with { Summary = null })))).Message);

    [TestMethod]
    public void ATableIsPrintedInAlignedColumns()
    {
        var lines = s_result.Tables[0].ToString().Split('\n');

        Assert.HasCount(3, lines);
        Assert.IsTrue(lines.All(line => line.Length == lines[0].Length), "every line ends with its last number");
        Assert.EndsWith(" 2.0", lines[2]);
    }

    [TestMethod]
    public void CommunicationIsHiddenAsFarAsItLiesBeforeTheEndOfTheLastBackwardPass()
    {
        // In ms: the first sum begins at 20, when the second process has started it, and ends at 50; the last one begins at 40, when the
        // second process, too, has ended its backward pass, and ends at 70. 20 to 70 is communication, 40 to 70 of it exposed.
        SumTimes[] first = [Times(10, 45), Times(30, 60)], second = [Times(20, 50), Times(40, 70)];

        var hidden = HiddenCommunication.Of([first, second], steps: 1, atEnd: 1);

        Assert.AreEqual(0.050, hidden.Total, 1e-9);
        Assert.AreEqual(0.030, hidden.Exposed, 1e-9);
        Assert.AreEqual(0.4, hidden.Share, 1e-9);
        Assert.AreEqual(0.005, hidden.WaitingForSlower, 1e-9, "one process waits from 30 to 40, the other not");
    }

    [TestMethod]
    public void HiddenCommunicationIsAMeanOverTheStepsAndLeavesOutGaps()
    {
        // The first step's sums are 10 to 20 and, after a gap, 40 to 60 (all of it exposed); those of the second take twice as long.
        SumTimes[] times = [Times(10, 20), Times(40, 60), Times(120, 140), Times(180, 220)];

        var hidden = HiddenCommunication.Of([times, times], steps: 2, atEnd: 1);

        Assert.AreEqual(0.045, hidden.Total, 1e-9);
        Assert.AreEqual(0.030, hidden.Exposed, 1e-9);
        Assert.AreEqual(0, hidden.WaitingForSlower);
    }

    [TestMethod]
    public void SumsThatStartAfterTheBackwardPassAreExposedFromTheFirstOfThem()
    {
        // The backward pass of both has ended at 40, when the second process starts the first of two last sums. 10 to 90 is communication;
        // 40 to 90 of it is exposed, also the 30 ms before the last sum starts.
        SumTimes[] first = [Times(5, 50), Times(30, 80), Times(60, 90)], second = [Times(10, 45), Times(40, 80), Times(70, 90)];

        var hidden = HiddenCommunication.Of([first, second], steps: 1, atEnd: 2);

        Assert.AreEqual(0.080, hidden.Total, 1e-9);
        Assert.AreEqual(0.050, hidden.Exposed, 1e-9);
        Assert.AreEqual(0.005, hidden.WaitingForSlower, 1e-9, "one process waits from 30 to 40, the other not");
    }

    [TestMethod]
    public void UnequalNumbersOfSumsAreRefused()
    {
        SumTimes[] three = [Times(10, 20), Times(30, 40), Times(50, 60)], two = three[..2];

        Assert.Contains("3, 3 sums",
            Assert.ThrowsExactly<ArgumentException>(() => HiddenCommunication.Of([three, three], steps: 2, atEnd: 1)).Message);
        Assert.Contains("2, 3 sums",
            Assert.ThrowsExactly<ArgumentException>(() => HiddenCommunication.Of([two, three], steps: 2, atEnd: 1)).Message);
        Assert.Contains("expected 1 to 1",
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => HiddenCommunication.Of([two, two], steps: 2, atEnd: 2)).Message);
    }

    // Text of all files by their path.
    private static IEnumerable<(string Name, string Json)> StoredFiles()
    {
        var folder = Path.Combine(Repository.Root, "benchmarks", "results");
        return Directory.EnumerateFiles(folder, "*.json", SearchOption.AllDirectories)
            .Select(file => (Path.GetRelativePath(folder, file), File.ReadAllText(file)));
    }

    [GeneratedRegex(@"(?<![\w./:])/[A-Za-z]\w*/[\w.-]|[A-Za-z]:\\")]
    private static partial Regex MachinePath();

    private static ResultFolder CreateRepository(string folder, string benchmarks, string readme)
    {
        Directory.CreateDirectory(Path.Combine(folder, "docs"));
        File.WriteAllText(Path.Combine(folder, "docs", "benchmarks.md"), benchmarks);
        File.WriteAllText(Path.Combine(folder, "README.md"), readme);
        return new ResultFolder(folder);
    }

    private static SumTimes Times(int started, int completed) =>
        new(started * Stopwatch.Frequency / 1000, completed * Stopwatch.Frequency / 1000);

    private static Dictionary<string, BenchmarkResult> Named(params (string Name, BenchmarkResult Result)[] results) =>
        results.ToDictionary(one => one.Name, one => one.Result);
}
