using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Reporting;

namespace MlNetFineTune;

/// <summary>What <c>ml.FineTuning.FindBatchSize</c> measured.</summary>
/// <param name="Trials">
/// Batch sizes that ran, each twice the one before: <c>BatchSize</c> in rows of a step; <c>RowsPerSecond</c> with reading, decoding and
/// augmenting, after a first step that does not count; <c>PeakBytes</c>, memory of the whole process (its resident set) at its highest
/// meanwhile, without that of a GPU.
/// </param>
/// <param name="Suggestion">The smallest whose throughput is within 5 % of the best: <see cref="FineTuningOptions.BatchSize"/>.</param>
/// <param name="End">Why no larger one was tried, in words.</param>
public sealed record BatchSizeSearch(
    IReadOnlyList<(int BatchSize, double RowsPerSecond, long PeakBytes)> Trials, int Suggestion, string End)
{
    /// <summary>Draws throughput and memory over the batch size, as a PNG.</summary>
    /// <param name="path">Written beside and renamed.</param>
    public void SavePicture(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        var sizes = Axis.Logarithmic(Trials.Select(trial => (double)trial.BatchSize), powersOf: 2);
        PngChart.Save(
            path,
            Over("throughput in rows a second", trial => trial.RowsPerSecond) with { Mark = (Suggestion, $"suggestion {Suggestion}") },
            Over("memory of the process in mib, at its highest", trial => trial.PeakBytes / (double)(1 << 20)));

        Chart Over(string title, Func<(int BatchSize, double RowsPerSecond, long PeakBytes), double> value) => new(
            title, "batch size", sizes, Axis.Linear(Trials.Select(value).Append(0)), [new("", SeriesLook.First, [.. Trials.Select(trial => ((double)trial.BatchSize, value(trial)))])]);
    }
}
