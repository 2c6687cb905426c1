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

    private readonly List<(string Name, Func<double> Work, List<double> Rates)> _candidates = [];

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
        _candidates.Add((name, work, []));
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
            foreach (var (_, work, rates) in _candidates)
                rates.Add(work());
        }
        return this;
    }

    /// <summary>Median over the rounds of a's rate divided by b's.</summary>
    public double Ratio(string a, string b) => Median(RatesOf(a).Zip(RatesOf(b), (x, y) => x / y));

    /// <param name="first">Ratios are the first candidate's rate divided by the row's.</param>
    /// <param name="unit">Of the rates.</param>
    public void Print(string first, string unit = "images/s")
    {
        Console.WriteLine($"{"",-52} {unit,10} {"min",8} {"max",8} {"ratio",8}");
        foreach (var (name, _, rates) in _candidates)
            Row(name, Median(rates), rates.Min(), rates.Max(), Ratio(first, name));
    }

    /// <summary>A row measured elsewhere.</summary>
    public void PrintAlso(string first, string name, double rate) => Row(name, rate, rate, rate, Median(RatesOf(first)) / rate);

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static void Row(string name, double rate, double min, double max, double ratio) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-52} {rate,10:0.0} {min,8:0.0} {max,8:0.0} {ratio,8:0.00}"));

    /// <summary>Rates in the order of the rounds.</summary>
    public IReadOnlyList<double> RatesOf(string name) => _candidates.Single(candidate => candidate.Name == name).Rates;
}
