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
    public IReadOnlyDictionary<string, BenchmarkResult> Read() =>
        Directory.EnumerateFiles(_folder, $"*{Extension}", SearchOption.AllDirectories).ToDictionary(
            file => Path.GetRelativePath(_folder, file)[..^Extension.Length].Replace('\\', '/'),
            file => BenchmarkResult.Parse(File.ReadAllText(file)), StringComparer.Ordinal);

    /// <summary>Stores a result, and replaces an earlier one of the benchmark.</summary>
    public void Write(BenchmarkResult result)
    {
        Directory.CreateDirectory(_folder);
        File.WriteAllText(Path.Combine(_folder, result.Benchmark + Extension), result.ToJson());
    }

    /// <summary>Writes the results into the pages.</summary>
    public void WritePages()
    {
        var results = Read();
        foreach (var page in Pages)
            File.WriteAllText(page, BenchmarkPage.Write(File.ReadAllText(page), results));
    }
}
