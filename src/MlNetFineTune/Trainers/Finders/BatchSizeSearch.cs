using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Reporting;






namespace MlNetFineTune;

/// <summary>What <c>ml.FineTuning.FindBatchSize</c> measured.</summary>
/// <param name="Trials">Batch sizes that ran, each twice the one before.</param>
/// <param name="Suggestion">The smallest whose throughput is within 5 % of the best: <see cref="FineTuningOptions.BatchSize"/>.</param>
/// <param name="End">Why no larger one was tried, in words.</param>
public sealed record BatchSizeSearch(IReadOnlyList<BatchSizeTrial> Trials, int Suggestion, string End)
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

        Chart Over(string title, Func<BatchSizeTrial, double> value) => new(
            title, "batch size", sizes, Axis.Linear(Trials.Select(value).Append(0)),
            [new("", SeriesLook.First, [.. Trials.Select(trial => ((double)trial.BatchSize, value(trial)))])]);
    }
}

/// <summary>One batch size.</summary>
/// <param name="BatchSize">Rows in a step.</param>
/// <param name="RowsPerSecond">With reading, decoding and augmenting; after a first step that does not count.</param>
/// <param name="PeakBytes">Memory of the whole process (its resident set) at its highest meanwhile; a GPU's is not in it.</param>
public sealed record BatchSizeTrial(int BatchSize, double RowsPerSecond, long PeakBytes)
{
    /// <summary>Names and values, with the same numbers in every culture.</summary>
    public override string ToString() => InvariantText.Of(this);
}
