using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MlNetFineTune.Benchmarks;

/// <summary>A run of a benchmark, stored as JSON in benchmarks/results, from which docs/benchmarks.md is made.</summary>
/// <param name="Benchmark">Its name.</param>
/// <param name="Ratio">Rate of this library divided by that of the peer; null where the benchmark has none.</param>
/// <param name="Machine">Null where it was not recorded; see <paramref name="Note"/>.</param>
/// <param name="Date">Day of the run, ISO 8601; null where it was not recorded.</param>
/// <param name="WallSeconds">Duration of the run; null where it was not recorded.</param>
/// <param name="CpuSeconds">CPU time of the run, of all its processes; null where it was not recorded.</param>
/// <param name="SystemShare">Share of the CPU time in the kernel, 0 to 1; null where it was not recorded.</param>
/// <param name="LoadAverage">
/// Processes that wanted a core in the minute before the run: more than 0 means that other programs used the machine. Null where it was not
/// recorded.
/// </param>
/// <param name="Note">What else is known of the run.</param>
/// <param name="Summary">A sentence with the result, for the README; null where the benchmark has none.</param>
/// <param name="Tables">The tables that were printed.</param>
/// <param name="Output">Everything that was printed.</param>
internal sealed record BenchmarkResult(
    string Benchmark, double? Ratio, BenchmarkMachine? Machine, string? Date, double? WallSeconds, double? CpuSeconds, double? SystemShare,
    double? LoadAverage, string? Note, string? Summary, IReadOnlyList<ResultTable> Tables, IReadOnlyList<string> Output)
{
    private static readonly JsonSerializerOptions s_options = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // the files are read by people and never embedded in HTML
    };

    public static BenchmarkResult Parse(string json) => JsonSerializer.Deserialize<BenchmarkResult>(json, s_options)
        ?? throw new JsonException("The result is null.");

    public string ToJson() => JsonSerializer.Serialize(this, s_options) + "\n";
}
