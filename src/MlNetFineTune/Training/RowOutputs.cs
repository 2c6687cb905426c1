using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>
/// What a network gave for rows, before it becomes scores: one evaluation pass for all who judge a finished model by its validation rows.
/// </summary>
/// <param name="Rows">Their indices; those that could not be read are not here.</param>
/// <param name="Values">A row's outputs after another's.</param>
internal sealed record RowOutputs(int[] Rows, float[] Values)
{
    /// <summary>So many numbers (64 MiB) are kept from epoch to epoch and in checkpoints; more are computed again at the end.</summary>
    public const long MostKept = 16 << 20;

    /// <summary>Outputs of a row.</summary>
    public int Width => Rows.Length == 0 ? 0 : Values.Length / Rows.Length;

    public ReadOnlySpan<float> Of(int place) => Values.AsSpan(place * Width, Width);

    /// <summary>[rows, <see cref="Width"/>]. Belongs to the present dispose scope.</summary>
    public Tensor ToTensor() => tensor(Values, [Rows.Length, Width], ScalarType.Float32);

    /// <summary>[<paramref name="count"/>, <see cref="Width"/>]. Belongs to the present dispose scope.</summary>
    public Tensor ToTensor(int first, int count) =>
        tensor(Values[(first * Width)..((first + count) * Width)], [count, Width], ScalarType.Float32);

    /// <summary>
    /// Reads and scores rows anew: for a finished training that another process made, or one that was stopped before an epoch was complete.
    /// </summary>
    /// <param name="network">Ready to score.</param>
    /// <param name="subset">The rows. Those that cannot be read were reported when they validated.</param>
    /// <param name="options">Batch size, workers, cancellation.</param>
    /// <param name="seed">Of the training.</param>
    /// <param name="checkAlive">Throws if the training is cancelled.</param>
    public static RowOutputs Compute(TrainableNetwork network, RowSubset subset, FineTuningOptions options, long seed, Action checkAlive)
    {
        var collected = new Collector();
        using var trunk = new FrozenTrunk(network, stages: 0, seed, options.Workers);
        var batches = BatchLoader.Split(subset.Rows, options.BatchSize);
        foreach (var batch in trunk.LoaderFor(subset.Source).Read(batches, Augmentation.None, epoch: 0, (_, _) => { },
            options.CancellationToken))
        {
            checkAlive();
            if (batch.Count == 0)
                continue;
            using var scope = NewDisposeScope();
            using var inference = inference_mode();
            collected.Add(batch.Rows, network.ForwardRest(trunk.Enter(batch), first: 0));
        }
        return collected.ToOutputs();
    }

    /// <summary>Takes them batch by batch.</summary>
    public sealed class Collector
    {
        private readonly List<int> _rows = [];
        private readonly List<float> _values = [];

        /// <param name="rows">N.</param>
        /// <param name="outputs">[N, outputs], on any device. The caller keeps them.</param>
        public void Add(int[] rows, Tensor outputs)
        {
            using var scope = NewDisposeScope();
            _rows.AddRange(rows);
            _values.AddRange(outputs.to_type(ScalarType.Float32).cpu().contiguous().data<float>().ToArray());
        }

        public RowOutputs ToOutputs() => new([.. _rows], [.. _values]);
    }
}
