using System.Diagnostics;
using System.Globalization;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Times candidates alternately in rounds, so that changes of the machine's speed affect all of them. Ratios are computed within a round,
/// and their median is reported.
/// </summary>
internal sealed class PairedTiming
{
    private static readonly TimeSpan s_quickTime = TimeSpan.FromSeconds(10);

    private readonly List<Candidate> _candidates = [];
    private ResultTable? _printed;

    /// <param name="name">As printed.</param>
    /// <param name="work">Runs one round and returns the number of images.</param>
    public PairedTiming Add(string name, Func<int> work) => AddRate(name, () =>
    {
        var watch = Stopwatch.StartNew();
        var images = work();
        return images / watch.Elapsed.TotalSeconds;
    });

    /// <param name="name">As printed.</param>
    /// <param name="work">Runs one round and returns its own rate.</param>
    public PairedTiming AddRate(string name, Func<double> work)
    {
        _candidates.Add(new(name, work));
        return this;
    }

    /// <param name="rounds">Largest number of rounds.</param>
    /// <param name="quick">Starts no further round after ten seconds, to bound the duration of a smoke test.</param>
    public PairedTiming Run(int rounds, bool quick)
    {
        foreach (var candidate in _candidates)
            candidate.Work(); // warm-up
        var total = Stopwatch.StartNew();
        for (var round = 0; round < rounds && !(quick && round > 0 && total.Elapsed > s_quickTime); round++)
        {
            foreach (var candidate in _candidates)
            {
                var before = ProcessTimes.Now();
                candidate.Rates.Add(candidate.Work());
                candidate.Times += ProcessTimes.Now() - before;
            }
        }
        return this;
    }

    /// <summary>Median over the rounds of a's rate divided by b's.</summary>
    public double Ratio(string a, string b) => Median(RatesOf(a).Zip(RatesOf(b), (x, y) => x / y));

    /// <summary>Prints median, least and greatest rate, ratio, and the share of the kernel in the CPU time of each candidate.</summary>
    /// <param name="first">Ratios are the first candidate's rate divided by the row's.</param>
    /// <param name="unit">Of the rates.</param>
    /// <param name="title">What is measured, where a benchmark has several tables.</param>
    public void Print(string first, string unit = "images/s", string title = "")
    {
        _printed = new ResultTable([title, unit, "min", "max", "ratio", "system"], [.. _candidates.Select(one =>
            Row(one.Name, Median(one.Rates), one.Rates.Min(), one.Rates.Max(), Ratio(first, one.Name), one.Times.SystemShare))]);
        BenchmarkRecorder.Print(_printed);
    }

    /// <summary>A row measured elsewhere, below the table.</summary>
    public void PrintAlso(string first, string name, double rate) =>
        _printed = BenchmarkRecorder.PrintRow(_printed!, Row(name, rate, rate, rate, Median(RatesOf(first)) / rate, systemShare: null));

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static string[] Row(string name, double rate, double min, double max, double ratio, double? systemShare) =>
    [
        name, .. ((double[])[rate, min, max]).Select(number => number.ToString("0.0", CultureInfo.InvariantCulture)),
        ratio.ToString("0.00", CultureInfo.InvariantCulture),
        systemShare is { } share ? string.Create(CultureInfo.InvariantCulture, $"{100 * share:0} %") : "",
    ];

    /// <summary>Rates in the order of the rounds.</summary>
    public IReadOnlyList<double> RatesOf(string name) => _candidates.Single(candidate => candidate.Name == name).Rates;

    private sealed class Candidate(string name, Func<double> work)
    {
        public string Name => name;

        public Func<double> Work => work;

        public List<double> Rates { get; } = [];

        public ProcessTimes Times { get; set; }
    }
}
