using System.Text.Json;

namespace MlNetFineTune.Benchmarks;

/// <summary>The results of the repository, benchmarks/results, and the pages that are made from them.</summary>
/// <param name="repository">Root of the repository.</param>
internal sealed class ResultFolder(string repository)
{
    private const string Extension = ".json";

    private readonly string _folder = Path.Combine(repository, "benchmarks", "results");

    /// <summary>Pages with places for results.</summary>
    public IReadOnlyList<string> Pages { get; } =
        [Path.Combine(repository, "docs", "benchmarks.md"), Path.Combine(repository, "README.md")];

    /// <summary>All results. Their names are paths in the folder, with <c>/</c> and without extension.</summary>
    /// <exception cref="InvalidDataException">A file is not a result.</exception>
    public IReadOnlyDictionary<string, BenchmarkResult> Read() =>
        Directory.EnumerateFiles(_folder, $"*{Extension}", SearchOption.AllDirectories).ToDictionary(
            file => Path.GetRelativePath(_folder, file)[..^Extension.Length].Replace('\\', '/'),
            file => Parse(file), StringComparer.Ordinal);

    /// <summary>Stores a result, and replaces an earlier one of the benchmark.</summary>
    public void Write(BenchmarkResult result)
    {
        Directory.CreateDirectory(_folder);
        File.WriteAllText(Path.Combine(_folder, result.Benchmark + Extension), result.ToJson());
    }

    /// <summary>Writes the results into the pages; none is changed where one cannot be written.</summary>
    /// <exception cref="InvalidDataException">A file is not a result, or a page has a place that cannot be filled.</exception>
    public void WritePages()
    {
        var results = Read();
        foreach (var (page, text) in Pages.Select(page => (page, TextOf(page, results))).ToList())
            File.WriteAllText(page, text);
    }

    private static string TextOf(string page, IReadOnlyDictionary<string, BenchmarkResult> results)
    {
        try
        {
            return BenchmarkPage.Write(File.ReadAllText(page), results);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{Path.GetFileName(page)}: {e.Message}", e);
        }
    }

    private static BenchmarkResult Parse(string file)
    {
        try
        {
            return BenchmarkResult.Parse(File.ReadAllText(file));
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{Path.GetFileName(file)}' is not a result: {e.Message}", e);
        }
    }
}
