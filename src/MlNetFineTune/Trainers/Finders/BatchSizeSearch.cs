using MlNetFineTune.Networks;
using MlNetFineTune.Reporting;
using MlNetFineTune.Tasks;

namespace MlNetFineTune;

/// <summary>The result of <c>ml.FineTuning.FindBatchSize</c>.</summary>
/// <param name="Trials">
/// Batch sizes that ran, each twice the one before: <c>BatchSize</c> in rows of a step; <c>RowsPerSecond</c> with reading, decoding and
/// augmenting, after a first step that does not count; <c>PeakBytes</c>, memory of the whole process (its resident set) at its highest
/// meanwhile, without that of a GPU.
/// </param>
/// <param name="Suggestion">The smallest batch size, in rows, whose throughput is within 5 % of the best:
/// <see cref="FineTuningOptions.BatchSize"/>.</param>
/// <param name="End">The reason why no larger size was tried, as text.</param>
public sealed record BatchSizeSearch(
    IReadOnlyList<(int BatchSize, double RowsPerSecond, long PeakBytes)> Trials, int Suggestion, string End)
{
    /// <summary>
    /// Draws throughput, with the suggestion, and below it memory, over the batch size, as an SVG file, which every browser shows.
    /// </summary>
    /// <param name="path">
    /// A file whose name ends in <c>.svg</c>, in a folder that exists. An older file is replaced; the new one is written beside it and
    /// renamed, so that a failure leaves the old one.
    /// </param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or has another extension.</exception>
    /// <exception cref="IOException">
    /// The file cannot be written; a <see cref="DirectoryNotFoundException"/> where there is no such folder.
    /// </exception>
    public void SaveChart(string path)
    {
        var sizes = Axis.Logarithmic(Trials.Select(trial => (double)trial.BatchSize), powersOf: 2);
        SvgFile.Save(
            path,
            Over("Throughput in rows a second", trial => trial.RowsPerSecond) with { Mark = (Suggestion, $"suggestion {Suggestion}") },
            Over("Peak memory of the process in MiB", trial => trial.PeakBytes / (double)(1 << 20)));

        Chart Over(string title, Func<(int BatchSize, double RowsPerSecond, long PeakBytes), double> value) => new(
            title, "batch size", sizes, Axis.Linear(Trials.Select(value).Append(0)),
            [new("", SeriesLook.First, [.. Trials.Select(trial => ((double)trial.BatchSize, value(trial)))])]);
    }
}
