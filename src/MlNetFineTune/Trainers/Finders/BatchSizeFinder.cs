using System.Runtime.InteropServices;
using Microsoft.ML;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Trainers;

/// <summary>
/// Trains a few steps at batch sizes that double. Before each, it predicts the memory from the previous ones and does not start a size that
/// may not fit: Linux kills a process that exceeds the available memory instead of reporting an error.
/// </summary>
/// <param name="available">Bytes that the process can still allocate.</param>
/// <param name="resident">Resident bytes of the process.</param>
/// <param name="trial">Runs a batch size and returns rows per second and the peak memory of the process.</param>
internal sealed class BatchSizeFinder(Func<long> available, Func<long> resident, Func<int, (double RowsPerSecond, long PeakBytes)> trial)
{
    private const int Steps = 3;
    private const double Caution = 1.25; // of the predicted memory
    private const double Share = 0.85; // of what is available
    private const double Progress = 1.03;
    private const double NearlyBest = 0.95;

    public static BatchSizeSearch Find(MLContext ml, IDataView data, FineTuningOptions options, int largest)
    {
        var rows = CountOf(data, options.CancellationToken);
        return new BatchSizeFinder(AvailableMemory.Bytes, () => Environment.WorkingSet, Try).Find(largest, rows, Environment.WorkingSet);

        (double, long) Try(int batchSize)
        {
            using var end = CancellationTokenSource.CreateLinkedTokenSource(options.CancellationToken);
            using var peak = new MemoryPeak();
            var clock = new StepClock(Steps, end);
            var plain = TrialRun.Plain(options)
                with
            {
                BatchSize = batchSize,
                AccumulationSteps = 1,
                Epochs = Math.Max(Steps + 1, options.Epochs),
                LearningRate = 1e-6f,
                Schedule = LearningRateSchedule.Constant()
            };
            // Without the feature cache, which would compute the features of all rows before the first step.
            TrialRun.Run(ml, data, plain with { FeatureCache = FeatureCache.None }, clock, () => clock.IsOver, end);
            options.CancellationToken.ThrowIfCancellationRequested();
            return (clock.RowsPerSecond, peak.Bytes);
        }
    }

    /// <param name="largest">The last batch size.</param>
    /// <param name="rows">Number of rows of the data.</param>
    /// <param name="before">Memory of the process before the first trial.</param>
    public BatchSizeSearch Find(int largest, long rows, long before)
    {
        List<(int BatchSize, double RowsPerSecond, long PeakBytes)> trials = [];
        for (var size = 2; ; size *= 2)
        {
            if (WhyNot(size, largest, rows, before, trials) is { } reason)
                return trials.Count > 0 ? Suggest(trials, reason)
                    : throw new InvalidOperationException($"Not even a batch of {size} can be tried: {reason}.");
            try
            {
                var (rate, peak) = trial(size);
                trials.Add((size, rate, peak));
            }
            catch (ExternalException e) when (trials.Count > 0 && e.Message.Contains("memory", StringComparison.OrdinalIgnoreCase))
            {
                return Suggest(trials, $"a batch of {size} did not find enough memory");
            }
        }
    }

    private string? WhyNot(
        int size, int largest, long rows, long before, List<(int BatchSize, double RowsPerSecond, long PeakBytes)> trials)
    {
        if (size > largest)
            return $"the largest to be tried was {largest}";
        if (size > rows)
            return $"there are {rows} rows";
        if (trials is [.., var earlier, var middle, var last]
            && Math.Max(middle.RowsPerSecond, last.RowsPerSecond) < Progress * earlier.RowsPerSecond)
            return $"twice and four times the batch of {earlier.BatchSize} were no quicker";
        if (trials.Count == 0)
            return null;

        // Linear extrapolation. After one trial only, all memory allocated since the start is attributed to its rows.
        var (fromSize, fromBytes) = trials.Count == 1 ? (0, before) : (trials[^2].BatchSize, trials[^2].PeakBytes);
        var perRow = Math.Max(trials[^1].PeakBytes - fromBytes, 0) / (double)(trials[^1].BatchSize - fromSize);
        var needed = (long)(Caution * perRow * (size - trials[^1].BatchSize)) + Math.Max(trials[^1].PeakBytes - resident(), 0);
        var free = available();
        return needed > Share * free ? FormattableString.Invariant(
            $"a batch of {size} would take about {needed >> 20} MiB more, and {free >> 20} MiB are available") : null;
    }

    private static BatchSizeSearch Suggest(List<(int BatchSize, double RowsPerSecond, long PeakBytes)> trials, string end)
    {
        var best = trials.Max(trial => trial.RowsPerSecond);
        return new BatchSizeSearch(trials, trials.First(trial => trial.RowsPerSecond >= NearlyBest * best).BatchSize, end);
    }

    private static long CountOf(IDataView data, CancellationToken cancellation)
    {
        if (data.GetRowCount() is { } known)
            return known;
        long count = 0;
        using var cursor = data.GetRowCursor([]);
        while (cursor.MoveNext())
        {
            cancellation.ThrowIfCancellationRequested();
            count++;
        }
        return count;
    }
}
