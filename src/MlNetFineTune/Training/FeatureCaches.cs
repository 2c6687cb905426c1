using Microsoft.ML.Runtime;
using MlNetFineTune.Rows;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>
/// Frozen means computed once: rows that look the same in every epoch (validation always, training without augmentation) go through the frozen
/// stages a single time, as long as the results fit into the memory that the options grant.
/// </summary>
internal sealed class FeatureCaches(FrozenTrunk trunk, FineTuningOptions options, BadRowLog badRows, ProgressMeter meter, IChannel channel, Action checkAlive) : IDisposable
{
    private readonly List<IFeatureStore> _stores = [];
    private long _bytesLeft = options.CacheMegabytes * (1L << 20);

    /// <summary>Where the trainable part takes its input from.</summary>
    public StepInputs InputsFor(RowSubset subset, Augmentation augmentation)
    {
        var rowInputs = new RowInputs(trunk, subset, augmentation, options.Epochs, badRows, options.CancellationToken);
        if (trunk.Stages == 0 || !augmentation.IsNone)
            return rowInputs;
        var bytes = trunk.FeatureBytes(subset.Source) * subset.Rows.Length;
        if (bytes > _bytesLeft)
        {
            channel.Info($"The frozen stages run in every epoch: their output for {subset.Rows.Length} rows takes {bytes >> 20} MiB, and {_bytesLeft >> 20} MiB are granted (FeatureCacheMegabytes).");
            return rowInputs;
        }
        _bytesLeft -= bytes;
        return new CachedInputs(Fill(rowInputs, subset));
    }

    private MemoryFeatureStore Fill(RowInputs rowInputs, RowSubset subset)
    {
        var store = new MemoryFeatureStore(subset.Rows.Length, trunk.Device);
        _stores.Add(store);
        meter.Begin(TrainingPhase.ComputingFeatures, epoch: 0, subset.Rows.Length);
        var count = 0;
        foreach (var (activations, rows, _) in rowInputs.Read(BatchLoader.Split(subset.Rows, options.BatchSize), epoch: 0))
        {
            using (activations)
            {
                checkAlive();
                if (options.StopToken.IsCancellationRequested)
                    return store; // the loop will not begin
                store.Put(rows, activations);
                count += rows.Length;
                meter.Advance(rows.Length);
            }
        }
        channel.Info($"The frozen stages ran once over {count} rows ({meter.RowsPerSecond:0} a second); their output is kept.");
        return store;
    }

    public void Dispose()
    {
        foreach (var store in _stores)
            store.Dispose();
    }
}
