using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Processes;
using MlNetFineTune.Tasks;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>Outputs and features of rows.</summary>
/// <param name="Outputs">Outputs of the network for the rows that could be read.</param>
/// <param name="Features">Features before the head of the same rows; empty if they were not requested.</param>
internal sealed record OutputsWithFeatures(RowOutputs Outputs, IReadOnlyList<float[]> Features);

/// <summary>One pass of a finished network over rows, without augmentation. Rows that cannot be read are left out.</summary>
internal static class NetworkPass
{
    /// <param name="run">The run, whose network is prepared for scoring.</param>
    /// <param name="subset">The rows.</param>
    /// <param name="withFeatures">Whether the features before the head are collected.</param>
    /// <param name="badRows">Receives the rows that cannot be read; null if the training has reported them.</param>
    public static OutputsWithFeatures Run(TrainingRun run, RowSubset subset, bool withFeatures, BadRowLog? badRows = null)
    {
        var (network, options) = (run.Network, run.Options);
        var outputs = new RowOutputs.Collector();
        var features = new List<float[]>();
        using var encoder = new FrozenEncoder(network, run.Input, stages: 0, run.Seed, options.Workers);
        var batches = new LengthBuckets(subset.Source.Inputs, options.BatchSize, options.TokensOfBatch).Sorted(subset.Rows);
        run.Processes.Position = "computing the outputs of the trained network";
        var bad = new AgreedBadRows(run.Processes, (row, reason) => badRows?.Add(subset.Source, row, reason));
        int[][] slices = Array.ConvertAll(batches, batch => batch[Slice.Of(batch.Length, run.Processes)]);
        foreach (var (index, own) in encoder.LoaderFor(subset.Source)
            .Read(slices, Augmentation.None, epoch: 0, bad.Add, options.ReadingToken).Index())
        {
            run.CheckAlive();
            var rows = bad.RowsOf(batches[index], own.Rows);
            if (rows.Length == 0)
                continue;
            using var scope = NewDisposeScope();
            using var inference = inference_mode();
            var (ofRows, before) = own.Count > 0 ? Compute(run, encoder.Enter(own), withFeatures) : default;
            outputs.Add(rows, GatheredRows.Of(run.Processes, ofRows, network.Device));
            if (withFeatures)
                features.AddRange(GatheredRows.Of(run.Processes, before, network.Device).FlatRows());
        }
        return new(outputs.ToOutputs(), features);
    }

    // Outputs and features of a batch; no features if they were not requested.
    private static (Tensor? Outputs, Tensor? Features) Compute(TrainingRun run, ModelInputs inputs, bool withFeatures)
    {
        var network = run.Network;
        if (!withFeatures)
            return (run.Objective.ToRows(network.ForwardRest(inputs, first: 0)), null);
        var before = network.ForwardFirst(inputs, network.Stages.Count);
        var features = network.FeaturesOf(before).clone(); // a head may change its input
        return (run.Objective.ToRows(network.ForwardRest(inputs.With(before), network.Stages.Count)), features);
    }
}
