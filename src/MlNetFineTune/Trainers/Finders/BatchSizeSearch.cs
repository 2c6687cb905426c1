using MlNetFineTune.Networks;
using MlNetFineTune.Reporting;
using MlNetFineTune.Tasks;

namespace MlNetFineTune;

/// <summary>The result of <c>ml.FineTuning.FindBatchSize</c>.</summary>
/// <param name="Trials">
/// The batch sizes that ran, each twice the previous one: <c>BatchSize</c> in rows; <c>RowsPerSecond</c> including reading, decoding and
/// augmentation, measured after a first step; <c>PeakBytes</c>, the peak resident memory of the process during the trial, without GPU
/// memory.
/// </param>
/// <param name="Suggestion">
/// The smallest batch size, in rows, whose throughput is within 5 % of the best, for <see cref="FineTuningOptions.BatchSize"/>.
/// </param>
/// <param name="End">The reason why no larger size was tried, as text.</param>
public sealed record BatchSizeSearch(
    IReadOnlyList<(int BatchSize, double RowsPerSecond, long PeakBytes)> Trials, int Suggestion, string End)
{
    /// <summary>
    /// Plots throughput with the suggestion, and below it memory, against the batch size, as an SVG file.
    /// </summary>
    /// <param name="path">
    /// Path of the file, with the extension <c>.svg</c>, in an existing folder. An existing file is replaced atomically, so that it stays
    /// if writing fails.
    /// </param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or has another extension.</exception>
    /// <exception cref="IOException">
    /// The file cannot be written; a <see cref="DirectoryNotFoundException"/> if the folder does not exist.
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
