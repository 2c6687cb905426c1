using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace MlNetFineTune.Benchmarks;

/// <summary>Runs a benchmark, shows what it costs, and collects what it prints.</summary>
internal sealed class BenchmarkRecorder : TextWriter
{
    private static BenchmarkRecorder? s_current;
    private readonly TextWriter _console = Console.Out;
    private readonly StringBuilder _output = new();
    private readonly List<ResultTable> _tables = [];
    private string? _summary;
    private string? _nothingMeasured;

    private BenchmarkRecorder() : base(CultureInfo.InvariantCulture)
    {
    }

    public override Encoding Encoding => _console.Encoding;

    /// <summary>Runs a benchmark and prints its question, the machine, and its wall, user and system time.</summary>
    /// <returns>The result, and why it must not be stored; null where it may.</returns>
    public static (BenchmarkResult Result, string? NothingMeasured) Run(Benchmark benchmark, bool quick)
    {
        using var recorder = s_current = new BenchmarkRecorder();
        Console.SetOut(recorder);
        try
        {
            return (recorder.Record(benchmark, quick), recorder._nothingMeasured);
        }
        finally
        {
            Console.SetOut(recorder._console);
            s_current = null;
        }
    }

    /// <summary>Prints a table and keeps it for the result.</summary>
    public static void Print(ResultTable table)
    {
        Console.WriteLine(table);
        s_current?._tables.Add(table);
    }

    /// <summary>Prints a row below a table that was printed, and keeps it there.</summary>
    /// <returns>The table with the row.</returns>
    public static ResultTable PrintRow(ResultTable table, IReadOnlyList<string> row)
    {
        var longer = table.With(row);
        Console.WriteLine(longer.Line(row));
        if (s_current?._tables is { } tables && tables.IndexOf(table) is var index and >= 0)
            tables[index] = longer;
        return longer;
    }

    /// <summary>Prints a sentence and keeps it as the summary of the result.</summary>
    public static void Summarize(string sentence)
    {
        Console.WriteLine(sentence);
        s_current?._summary = sentence;
    }

    /// <summary>Prints why there is nothing to measure on this machine, and keeps the result from being stored.</summary>
    public static void MeasureNothing(string reason)
    {
        Console.WriteLine(reason);
        s_current?._nothingMeasured = reason;
    }

    public override void Write(char value)
    {
        _console.Write(value);
        _output.Append(value);
    }

    public override void Write(string? value)
    {
        _console.Write(value);
        _output.Append(value);
    }

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    public override void Flush() => _console.Flush();

    // proc(5), loadavg: the first field is that of the last minute.
    private static double? LoadAverage() => OperatingSystem.IsLinux()
        ? double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture)
        : null;

    private BenchmarkResult Record(Benchmark benchmark, bool quick)
    {
        var machine = BenchmarkMachine.Current();
        WriteLine(benchmark.Question);
        var load = LoadAverage();
        WriteLine(string.Create(CultureInfo.InvariantCulture, $"{machine}{(load is { } busy ? $"; load before the run {busy:0.0}" : "")}"));
        var (watch, before) = (Stopwatch.StartNew(), ProcessTimes.Now());
        var ratio = benchmark.Run(quick);
        var (seconds, times) = (watch.Elapsed.TotalSeconds, ProcessTimes.Now() - before);
        WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{seconds:0.0} s wall, {times.User:0.0} s user, {times.System:0.0} s system ({100 * times.SystemShare:0} % of the CPU time)"));
        WriteLine(string.Create(CultureInfo.InvariantCulture, $"ratio {benchmark.Name} {ratio:0.00}"));
        return new BenchmarkResult(
            benchmark.Name, double.IsNaN(ratio) ? null : Math.Round(ratio, 3), machine,
            DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), Math.Round(seconds, 1), Math.Round(times.Cpu, 1),
            Math.Round(times.SystemShare, 3), load, Note: null, _summary, _tables, _output.ToString().TrimEnd().Split('\n'));
    }
}
