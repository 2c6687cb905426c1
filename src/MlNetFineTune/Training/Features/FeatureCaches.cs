using System.Diagnostics;
using System.Globalization;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Training;

/// <summary>
/// Frozen means computed once: rows that look the same from epoch to epoch (validation always, training without
/// augmentation or with <see cref="Augmentation.FixedViews"/>) go through the frozen stages a single time in a part of a
/// plan, or never, if their features are found.
/// </summary>
/// <param name="encoder">The network that computes features.</param>
/// <param name="options">Options of the training.</param>
/// <param name="badRows">Told of pictures that cannot be read.</param>
/// <param name="meter">Told how far it is.</param>
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
    /// <param name="epochs">In which they will be read.</param>
    /// <param name="teacher">Must see the pixels of every batch, which are then read anew; null where there is none.</param>
    public StepInputs InputsFor(RowSubset subset, Augmentation augmentation, IReadOnlyCollection<int> epochs, Teacher? teacher = null)
    {
        if (teacher is null && TryKeep(subset, augmentation, epochs) is { } kept)
            return new CachedInputs(kept, encoder, subset.Source);
        var views = ViewsOf(subset, augmentation);
        if (augmentation is FixedViews)
            views.Prepare(subset.Rows, options.Workers, options.CancellationToken);
        return new RowInputs(encoder, subset, views, options.Epochs, badRows, options.CancellationToken, teacher);
    }

    /// <returns>Null where the rows look different in every epoch, there is nothing to compute, or no place to keep it.</returns>
    public CachedFeatures? TryKeep(RowSubset subset, Augmentation augmentation, IReadOnlyCollection<int> epochs)
    {
        if (!encoder.Computes || augmentation.Views is null || options.FeatureCache == FeatureCache.None)
            return null;
        var views = ViewsOf(subset, augmentation);
        views.Prepare(subset.Rows, options.Workers, options.CancellationToken);
        var inputs = new RowInputs(encoder, subset, views, options.Epochs, badRows, options.CancellationToken);
        return TryKeep(inputs, subset, views, [.. epochs.Select(views.NumberOf).Distinct()])
            ? new CachedFeatures(_store!, encoder.LayoutOf(subset.Source), views, encoder.Device)
            : null;
    }

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
                // The rest are pictures that could not be read. Rows with the same content cannot be read either.
                computed += Fill(inputs, layout, views, numbers[i], Unread(subset, views, numbers[i]));
            }
            // What was stopped half-way would be found by the training that goes on, which would then compute the rest in other batches.
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

    /// <returns>How many rows were computed.</returns>
    private int Fill(RowInputs inputs, FeatureLayout layout, RowViews views, int number, int[] rows)
    {
        if (rows.Length == 0)
            return 0;
        meter.Begin(TrainingActivity.ComputingFeatures, epoch: 0, rows.Length);
        var count = 0;
        foreach (var (features, read, _) in inputs.Read(BatchLoader.Split(rows, options.BatchSize), number))
        {
            using (features)
            {
                checkAlive();
                if (options.StopToken.IsCancellationRequested)
                    break; // the loop will not begin
                layout.Put(features.Activations, _store!, Array.ConvertAll(read, row => views.KeyOf(row, number)));
                count += read.Length;
                meter.Advance(read.Length);
            }
        }
        return count;
    }

    private RowViews ViewsOf(RowSubset subset, Augmentation augmentation) => new(subset.Source, augmentation, encoder.Seed);

    // The first of those that look alike. Those that are known to be bad as well: a training that goes on knows more of them,
    // and its batches must be the same to the bit.
    private int[] Missing(RowSubset subset, RowViews views, int number) =>
        [.. subset.Rows.DistinctBy(row => views.KeyOf(row, number)).Where(row => !_store!.Contains(views.KeyOf(row, number)))];

    private int[] Unread(RowSubset subset, RowViews views, int number) => options.StopToken.IsCancellationRequested ? []
        : [
            .. subset.Rows.Where(row => !_store!.Contains(views.KeyOf(row, number))
                && !badRows.Contains(subset.Source, row, epoch: int.MaxValue))];

    public void Dispose() => _store?.Dispose();
}
