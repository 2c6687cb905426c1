using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using static TorchSharp.torch;

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
/// <param name="mustStop">Whether the training ends, and so the computing of features, in all processes; throws if it is cancelled.</param>
/// <remarks>
/// Several processes compute each a part of the missing rows, and all receive all. Rows are computed that are missing in the cache of any
/// process, so that the caches may differ. In a folder see <see cref="FolderFeatureStore.Share"/>.
/// </remarks>
internal sealed class FeatureCaches(
    FrozenNetwork encoder, FineTuningOptions options, BadRowLog badRows, ProgressMeter meter, IChannel channel, Func<bool> mustStop)
    : IDisposable
{
    private IFeatureStore? _store;
    private FeatureStoreException? _failure;

    private ProcessGroup Processes => options.Processes;

    // With several processes the others still wait for the part of this one.
    private bool GivesUp => _failure is not null && !Processes.IsSeveral;

    /// <summary>The source of the inputs of the trainable part.</summary>
    /// <param name="subset">The rows.</param>
    /// <param name="augmentation">Augmentation of the rows.</param>
    /// <param name="epochs">Epochs in which the rows will be read.</param>
    /// <param name="teacher">A teacher that needs the pixels of every batch, which are then read again; null if there is none.</param>
    /// <param name="sheet">Receives the first pictures; null for none.</param>
    /// <param name="resizing">Makes pictures that are read in every epoch smaller; null for none.</param>
    public StepInputs InputsFor(
        RowSubset subset, Augmentation augmentation, IReadOnlyCollection<int> epochs, Teacher? teacher = null, BatchSheet? sheet = null,
        ProgressiveResizing? resizing = null)
    {
        if (teacher is null && TryKeep(subset, augmentation, epochs, sheet) is { } kept)
            return new CachedInputs(kept, encoder, subset.Source, Processes);
        var views = ViewsOf(subset, augmentation);
        if (augmentation is FixedViews)
            views.Prepare(subset.Rows, options.Workers, options.ReadingToken, Processes);
        return new RowInputs(encoder, subset, views, options.Epochs, badRows, options.ReadingToken, teacher, sheet, Processes, resizing);
    }

    /// <returns>Null if the rows differ in every epoch, nothing is to be computed, or there is no space.</returns>
    public CachedFeatures? TryKeep(
        RowSubset subset, Augmentation augmentation, IReadOnlyCollection<int> epochs, BatchSheet? sheet = null)
    {
        if (!CouldKeep(augmentation) || options.FeatureCache == FeatureCache.None)
            return null;
        var views = ViewsOf(subset, augmentation);
        views.Prepare(subset.Rows, options.Workers, options.ReadingToken, Processes);
        var inputs = new RowInputs(
            encoder, subset, views, options.Epochs, badRows, options.ReadingToken, sheet: sheet, processes: Processes);
        return TryKeep(inputs, subset, views, [.. epochs.Select(views.NumberOf).Distinct()])
            ? new CachedFeatures(_store!, encoder.LayoutOf(subset.Source), views, encoder.Device)
            : null;
    }

    /// <summary>Whether the rows' features could be cached, with a cache and enough space: they repeat, and are of one length.</summary>
    public bool CouldKeep(Augmentation augmentation) => encoder.Computes && augmentation.Views is not null;

    private bool TryKeep(RowInputs inputs, RowSubset subset, RowViews views, int[] numbers)
    {
        var watch = Stopwatch.StartNew();
        _failure = null;
        var layout = encoder.LayoutOf(subset.Source);
        _store ??= Open(layout);
        var missing = Array.ConvertAll(numbers, number => Missing(subset, views, number));
        var bytes = checked(layout.Bytes * missing.Sum(rows => (long)rows.Length));
        var reason = layout.Bytes > Array.MaxLength ? "a row's are too large for that" : _store.Refuse(bytes);
        if (Processes.FirstText(reason) is { } refusal)
        {
            channel.Info(
                string.Create(CultureInfo.InvariantCulture, $"The {encoder.Name} run in every epoch: "
                    + $"their output for {subset.Rows.Length} rows takes {bytes / 1048576.0:0.0} MiB, but {refusal}."));
            return false;
        }
        var computed = 0;
        for (var i = 0; i < numbers.Length && !GivesUp; i++)
        {
            computed += Fill(inputs, layout, views, numbers[i], missing[i]);
            // The others are pictures that could not be read. Rows with the same content cannot be read either.
            computed += Fill(inputs, layout, views, numbers[i], Unread(subset, views, numbers[i]));
        }
        // Not after a stop: a resumed training would find a part of the rows and compute the others in different batches.
        if (!GivesUp && !mustStop())
            Complete();
        if (Processes.FirstText(_failure?.Message) is { } failure)
        {
            _store.Abandon();
            channel.Warning($"The {encoder.Name} run in every epoch: {failure}");
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
        Processes.Position = "computing features";
        var count = 0;
        var batches = new LengthBuckets(inputs.Rows, options.BatchSize, options.TokensOfBatch).Sorted(rows);
        foreach (var input in inputs.Read(batches, number))
        {
            using (input)
            {
                if (mustStop())
                    break; // the training loop will not start
                var read = input.BatchRows;
                Put(input, layout, Array.ConvertAll(read, row => views.KeyOf(row, number)));
                count += read.Length;
                meter.Advance(read.Length);
            }
            if (GivesUp)
                break;
        }
        return count;
    }

    // A process that cannot store more goes on computing its part for the others.
    private void Put(StepInput input, FeatureLayout layout, ContentHash[] keys)
    {
        using var scope = NewDisposeScope();
        var features = GatheredRows.Of(Processes, input.Inputs?.Activations, CPU);
        Try(() => layout.Put(features, _store!, keys));
    }

    // A file that is read by others first.
    private void Complete()
    {
        var isRead = _store!.IsWrittenByOther;
        if (!isRead)
            Try(_store.Complete);
        if (!Processes.IsSeveral || Processes.Any(_failure is not null))
            return;
        if (isRead)
            Try(_store.Complete);
    }

    private void Try(Action store)
    {
        if (_failure is not null)
            return;
        try
        {
            store();
        }
        catch (FeatureStoreException e)
        {
            _failure = e;
        }
    }

    private IFeatureStore Open(FeatureLayout layout)
    {
        var store = options.FeatureCache.Open(encoder.ComputeIdentity, layout, channel);
        if (Processes.IsSeveral)
            (store as FolderFeatureStore)?.Share(Processes);
        return store;
    }

    private RowViews ViewsOf(RowSubset subset, Augmentation augmentation) => new(subset.Source, augmentation, encoder.Seed);

    // The first of equal rows, including known bad rows: a resumed training knows more of them, and its batches must be identical.
    private int[] Missing(RowSubset subset, RowViews views, int number) => InAnyProcess(
        [.. subset.Rows.DistinctBy(row => views.KeyOf(row, number)).Where(row => !_store!.Contains(views.KeyOf(row, number)))]);

    private int[] Unread(RowSubset subset, RowViews views, int number) => GivesUp || mustStop() ? []
        : InAnyProcess([
            .. subset.Rows.Where(row => !_store!.Contains(views.KeyOf(row, number))
                && !badRows.Contains(subset.Source, row, epoch: int.MaxValue))]);

    // The rows of all processes, in the order of the data.
    private int[] InAnyProcess(int[] rows) => !Processes.IsSeveral ? rows
        : [.. Processes.Gather(MemoryMarshal.AsBytes(rows.AsSpan())).SelectMany(bytes => MemoryMarshal.Cast<byte, int>(bytes).ToArray())
            .Distinct().Order()];

    public void Dispose() => _store?.Dispose();
}
