using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Writes results between the markers of a Markdown page; the text around them stays. <c>&lt;!-- results --&gt;</c> begins the place of
/// all results of the folder itself, <c>&lt;!-- result NAME --&gt;</c> that of one, <c>&lt;!-- summary NAME --&gt;</c> that of its
/// sentence, and <c>&lt;!-- end --&gt;</c> ends each. NAME is the path of a result in the folder, without <c>.json</c>.
/// </summary>
internal static partial class BenchmarkPage
{
    /// <summary>The page with the results.</summary>
    /// <param name="page">The page, with any text between its markers.</param>
    /// <param name="results">All results by name.</param>
    /// <exception cref="InvalidDataException">
    /// A marker has no end, names a result that does not exist, or is the place of a sentence that the result does not have.
    /// </exception>
    public static string Write(string page, IReadOnlyDictionary<string, BenchmarkResult> results)
    {
        if (Starts().Count(page) != Places().Count(page))
            throw new InvalidDataException("A marker of a result has no <!-- end --> before the next marker.");
        return Places().Replace(page, place =>
        {
            var text = place.Groups["name"] is { Success: false } ? TextOfAll(results)
                : Named(place.Groups["name"].Value, results) is var result && place.Groups["kind"].Value == "summary"
                    ? $"{SummaryOf(place.Groups["name"].Value, result)}\n"
                : TextOf(result);
            return $"{place.Groups["start"]}\n{text}<!-- end -->";
        });
    }

    /// <summary>Names of the results whose tables a page shows.</summary>
    public static IEnumerable<string> NamesIn(string page, IEnumerable<string> all) => Places().Matches(page)
        .SelectMany(place => place.Groups["kind"].Value switch
        {
            "results" => all.Where(IsInFolderItself),
            "result" => [place.Groups["name"].Value],
            _ => [],
        });

    /// <summary>Names of the results whose sentences a page shows.</summary>
    public static IEnumerable<string> SummariesIn(string page) => Places().Matches(page)
        .Where(place => place.Groups["kind"].Value == "summary").Select(place => place.Groups["name"].Value);

    private static string SummaryOf(string name, BenchmarkResult result) => result.Summary ?? throw new InvalidDataException(
        $"The result '{name}' has no summary, which the page shows. Take the place out, or let the benchmark summarize its result.");

    private static BenchmarkResult Named(string name, IReadOnlyDictionary<string, BenchmarkResult> results) =>
        results.TryGetValue(name, out var result) ? result : throw new InvalidDataException(
            $"There is no result '{name}', which the page shows. Run the benchmark with --record, or take the place out.");

    private static string TextOfAll(IReadOnlyDictionary<string, BenchmarkResult> results) => string.Concat(
        results.Where(result => IsInFolderItself(result.Key)).OrderBy(result => result.Key, StringComparer.Ordinal)
            .Select(result => $"\n### `{result.Key}`\n{TextOf(result.Value)}"));

    private static bool IsInFolderItself(string name) => !name.Contains('/');

    private static string TextOf(BenchmarkResult result)
    {
        var text = new StringBuilder();
        foreach (var table in result.Tables)
            text.Append('\n').Append(table.ToMarkdown()).Append('\n');
        return text.Append('\n').Append(SourceOf(result)).Append('\n').ToString();
    }

    private static string SourceOf(BenchmarkResult result)
    {
        List<string> parts = [];
        if (result.Ratio is { } ratio)
            parts.Add(FormattableString.Invariant($"`ratio {result.Benchmark} {ratio:0.00}`"));
        if (result.Machine is { } machine)
            parts.AddRange([$"{machine}", .. machine.Versions.Select(version => $"{version.Key} {version.Value}")]);
        if (result.Date is { } date)
            parts.Add(date);
        if (result.WallSeconds is { } seconds && result.CpuSeconds is { } cpu && result.SystemShare is { } system)
        {
            parts.Add(string.Create(
                CultureInfo.InvariantCulture, $"{seconds:0} s, {cpu:0} s of CPU time, {100 * system:0} % of it in the kernel"));
        }
        if (result.LoadAverage is { } load)
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"load of other programs before it {load:0.0}"));
        if (result.Note is { } note)
            parts.Add(note);
        return $"{string.Join("; ", parts)}.";
    }

    [GeneratedRegex("<!-- (results|result|summary) ")]
    private static partial Regex Starts();

    [GeneratedRegex(
        "(?<start><!-- (?<kind>results|result|summary) (?:(?<name>[^ ]+) )?-->)"
        + "(?:(?!<!-- (?:results|result|summary) ).)*?<!-- end -->",
        RegexOptions.Singleline)]
    private static partial Regex Places();
}
