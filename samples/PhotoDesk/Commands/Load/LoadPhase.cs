using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace PhotoDesk;

/// <summary>Results of one phase of a load test.</summary>
internal sealed class LoadPhase(string name)
{
    private readonly ConcurrentQueue<double> _seconds = [];
    private readonly ConcurrentDictionary<string, int> _errors = new();
    private readonly ConcurrentDictionary<long, int> _models = new();
    private readonly long _start = Stopwatch.GetTimestamp();
    private double _lasted;
    private int _sent;

    public int Sent => _sent;

    /// <summary>Photos without a prediction, for any reason.</summary>
    public int Lost => _sent - _seconds.Count;

    public IEnumerable<string> Errors => _errors.Select(error => $"{error.Value} x {error.Key}");

    public void Send() => Interlocked.Increment(ref _sent);

    public void Answered(double seconds, long modelId)
    {
        _seconds.Enqueue(seconds);
        _models.AddOrUpdate(modelId, 1, (_, count) => count + 1);
    }

    public void Failed(string reason) => _errors.AddOrUpdate(reason, 1, (_, count) => count + 1);

    public void End() => _lasted = Stopwatch.GetElapsedTime(_start).TotalSeconds;

    public static string Header =>
        $"{"",-22}{"photos",8}{"per s",9}{"p50 ms",9}{"p95 ms",9}{"p99 ms",9}{"longest",9}{"lost",6}  answered by model";

    public override string ToString()
    {
        double[] sorted = [.. _seconds.Order()];
        return string.Create(CultureInfo.InvariantCulture,
            $"{name,-22}{_sent,8}{sorted.Length / _lasted,9:0.0}{Ms(sorted, 0.5),9:0.0}{Ms(sorted, 0.95),9:0.0}"
            + $"{Ms(sorted, 0.99),9:0.0}{Ms(sorted, 1),9:0.0}{Lost,6}  "
            + $"{string.Join(", ", _models.OrderBy(model => model.Key).Select(model => $"{model.Key} ({model.Value})"))}");
    }

    private static double Ms(double[] sorted, double quantile) => 1000 * Quantiles.Of(sorted, quantile);
}
