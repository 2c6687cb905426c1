using System.Diagnostics;
using System.Globalization;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Training;

/// <summary>
/// Caching of features: for rows that are the same in every epoch (validation rows, and training rows without augmentation or with
/// <see cref="Augmentation.FixedViews"/>) the frozen stages run at most once in a phase.
/// </summary>
/// <param name="encoder">The network that computes features.</param>
/// <param name="options">Options of the training.</param>
/// <param name="badRows">Receives pictures that cannot be read.</param>
/// <param name="meter">Receives the progress.</param>
/// <param name="channel">The log.</param>
/// <param name="checkAlive">Throws if the training is cancelled.</param>
internal sealed class FeatureCaches(
    FrozenNetwork encoder, FineTuningOptions options, BadRowLog badRows, ProgressMeter meter, IChannel channel, Action checkAlive)
    : IDisposable
{
    private IFeatureStore? _store;

    /// <summary>The source of the inputs of the trainable part.</summary>
    /// <param name="subset">The rows.</param>
    /// <param name="augmentation">Augmentation of the rows.</param>
    /// <param name="epochs">Epochs in which the rows will be read.</param>
    /// <param name="teacher">A teacher that needs the pixels of every batch, which are then read again; null if there is none.</param>
    /// <param name="sheet">Receives the first pictures; null for none.</param>
    public StepInputs InputsFor(
        RowSubset subset, Augmentation augmentation, IReadOnlyCollection<int> epochs, Teacher? teacher = null, BatchSheet? sheet = null)
    {
        if (teacher is null && TryKeep(subset, augmentation, epochs, sheet) is { } kept)
            return new CachedInputs(kept, encoder, subset.Source, options.Processes);
        var views = ViewsOf(subset, augmentation);
        if (augmentation is FixedViews)
            views.Prepare(subset.Rows, options.Workers, options.CancellationToken);
        return new RowInputs(
            encoder, subset, views, options.Epochs, badRows, options.CancellationToken, teacher, sheet, options.Processes);
    }

    /// <returns>Null if the rows differ in every epoch, nothing is to be computed, or there is no space.</returns>
    public CachedFeatures? TryKeep(
        RowSubset subset, Augmentation augmentation, IReadOnlyCollection<int> epochs, BatchSheet? sheet = null)
    {
        if (!CouldKeep(augmentation) || options.FeatureCache == FeatureCache.None)
            return null;
        var views = ViewsOf(subset, augmentation);
        views.Prepare(subset.Rows, options.Workers, options.CancellationToken);
        var inputs = new RowInputs(encoder, subset, views, options.Epochs, badRows, options.CancellationToken, sheet: sheet);
        return TryKeep(inputs, subset, views, [.. epochs.Select(views.NumberOf).Distinct()])
            ? new CachedFeatures(_store!, encoder.LayoutOf(subset.Source), views, encoder.Device)
            : null;
    }

    /// <summary>Whether the rows' features could be cached, with a cache and enough space: they repeat, and are of one length.</summary>
    public bool CouldKeep(Augmentation augmentation) => encoder.Computes && augmentation.Views is not null;

    private bool TryKeep(RowInputs inputs, RowSubset subset, RowViews views, int[] numbers)
    {
        var watch = Stopwatch.StartNew();
        var layout = encoder.LayoutOf(subset.Source);
        _store ??= options.FeatureCache.Open(encoder.ComputeIdentity, layout, channel);
        var missing = Array.ConvertAll(numbers, number => Missing(subset, views, number));
        var bytes = checked(layout.Bytes * missing.Sum(rows => (long)rows.Length));
        if ((layout.Bytes > Array.MaxLength ? "a row's are too large for that" : _store.Refuse(bytes)) is { } refusal)
        {
            channel.Info(
                string.Create(CultureInfo.InvariantCulture, $"The {encoder.Name} run in every epoch: "
                    + $"their output for {subset.Rows.Length} rows takes {bytes / 1048576.0:0.0} MiB, but {refusal}."));
            return false;
        }
        var computed = 0;
        try
        {
            for (var i = 0; i < numbers.Length; i++)
            {
                computed += Fill(inputs, layout, views, numbers[i], missing[i]);
                // The others are pictures that could not be read. Rows with the same content cannot be read either.
                computed += Fill(inputs, layout, views, numbers[i], Unread(subset, views, numbers[i]));
            }
            // Not after a stop: a resumed training would find a part of the rows and compute the others in different batches.
            if (!options.StopToken.IsCancellationRequested)
                _store.Complete();
        }
        catch (FeatureStoreException e)
        {
            channel.Warning($"The {encoder.Name} run in every epoch: {e.Message}");
            return false;
        }
        var kept = numbers.SelectMany(number => subset.Rows.Select(row => views.KeyOf(row, number))).Where(_store.Contains).ToList();
        var report = new FeatureCache.Report(
            computed, kept.Count - computed, watch.Elapsed.TotalSeconds, layout.Bytes * kept.Distinct().Count());
        if (encoder.IsPartOfNetwork)
            meter.Add(report);
        channel.Info(
            string.Create(CultureInfo.InvariantCulture,
                $"The {encoder.Name} ran once over {computed} rows{(numbers.Length > 1 ? $" in {numbers.Length} views" : "")}; "
                + $"{report.RowsFound} were found in {options.FeatureCache}; {report.Bytes >> 10} KiB are kept, {report.Seconds:0.0} s."));
        return true;
    }

    /// <returns>Number of computed rows.</returns>
    private int Fill(RowInputs inputs, FeatureLayout layout, RowViews views, int number, int[] rows)
    {
        if (rows.Length == 0)
            return 0;
        meter.Begin(TrainingActivity.ComputingFeatures, epoch: 0, rows.Length);
        var count = 0;
        var batches = new LengthBuckets(inputs.Rows, options.BatchSize, options.TokensOfBatch).Sorted(rows);
        foreach (var (features, read, _) in inputs.Read(batches, number))
        {
            using (features)
            {
                checkAlive();
                if (options.StopToken.IsCancellationRequested)
                    break; // the training loop will not start
                layout.Put(features.Activations, _store!, Array.ConvertAll(read, row => views.KeyOf(row, number)));
                count += read.Length;
                meter.Advance(read.Length);
            }
        }
        return count;
    }

    private RowViews ViewsOf(RowSubset subset, Augmentation augmentation) => new(subset.Source, augmentation, encoder.Seed);

    // The first of equal rows, including known bad rows: a resumed training knows more of them, and its batches must be identical.
    private int[] Missing(RowSubset subset, RowViews views, int number) =>
        [.. subset.Rows.DistinctBy(row => views.KeyOf(row, number)).Where(row => !_store!.Contains(views.KeyOf(row, number)))];

    private int[] Unread(RowSubset subset, RowViews views, int number) => options.StopToken.IsCancellationRequested ? []
        : [
            .. subset.Rows.Where(row => !_store!.Contains(views.KeyOf(row, number))
                && !badRows.Contains(subset.Source, row, epoch: int.MaxValue))];

    public void Dispose() => _store?.Dispose();
}
