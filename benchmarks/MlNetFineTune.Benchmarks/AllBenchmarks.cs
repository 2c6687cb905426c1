using System.Diagnostics;

namespace MlNetFineTune.Benchmarks;

/// <summary>The benchmarks of this program, and the command that runs all of them.</summary>
internal static class AllBenchmarks
{
    public const string Name = "all", Pages = "docs", Quick = "--quick", Record = "--record";

    /// <summary>Exit code of a benchmark that has nothing to measure on this machine, so that nothing is stored.</summary>
    public const int NothingMeasured = 3;

    /// <summary>Stores the result and leaves the pages, for a process of <see cref="Run"/>, which writes them once at its end.</summary>
    public const string Store = "--store";

    /// <summary>By name: every class that derives from <see cref="Benchmark"/> is found here, and listed nowhere else.</summary>
    public static IReadOnlyList<Benchmark> Known { get; } =
    [
        .. typeof(Benchmark).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Benchmark)) && !type.IsAbstract)
            .Select(type => (Benchmark)Activator.CreateInstance(type)!).OrderBy(benchmark => benchmark.Name, StringComparer.Ordinal),
    ];

    /// <summary>
    /// Runs every benchmark, each in its own process, so that none inherits the memory, the code and the threads of another.
    /// </summary>
    /// <param name="quick">As a smoke test, which records nothing.</param>
    /// <param name="results">Where the results are stored.</param>
    /// <returns>The exit code: 1 if a benchmark could not run, or the pages could not be written.</returns>
    public static int Run(bool quick, ResultFolder results)
    {
        var (failed, unmeasured) = (new List<string>(), new List<string>());
        foreach (var benchmark in Known)
        {
            Console.WriteLine($"--- {benchmark.Name}");
            using var process = Process.Start("dotnet",
                [typeof(AllBenchmarks).Assembly.Location, benchmark.Name, quick ? Quick : Store]);
            process.WaitForExit();
            if (process.ExitCode != 0)
                (process.ExitCode == NothingMeasured ? unmeasured : failed).Add(benchmark.Name);
        }
        if (unmeasured.Count > 0)
            Console.WriteLine($"These had nothing to measure here and are not stored: {string.Join(", ", unmeasured)}.");
        Console.WriteLine(failed.Count == 0 ? $"All {Known.Count} ran." : $"These did not run: {string.Join(", ", failed)}.");
        return (quick || WritePages(results)) && failed.Count == 0 ? 0 : 1;
    }

    /// <summary>Writes the pages, or says why they stay as they are.</summary>
    public static bool WritePages(ResultFolder results)
    {
        try
        {
            results.WritePages();
            return true;
        }
        catch (InvalidDataException e)
        {
            Console.Error.WriteLine($"The pages were not written, all results are stored: {e.Message}");
            return false;
        }
    }
}
