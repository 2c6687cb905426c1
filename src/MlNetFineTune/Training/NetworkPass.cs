using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
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
        foreach (var batch in encoder.LoaderFor(subset.Source).Read(
            batches, Augmentation.None, epoch: 0, (row, reason) => badRows?.Add(subset.Source, row, reason), options.CancellationToken))
        {
            run.CheckAlive();
            if (batch.Count == 0)
                continue;
            using var scope = NewDisposeScope();
            using var inference = inference_mode();
            var inputs = encoder.Enter(batch);
            if (!withFeatures)
            {
                outputs.Add(batch.Rows, run.Objective.ToRows(network.ForwardRest(inputs, first: 0)));
                continue;
            }
            var before = network.ForwardFirst(inputs, network.Stages.Count);
            features.AddRange(network.FeaturesOf(before).FlatRows()); // first: a head may change its input
            outputs.Add(batch.Rows, run.Objective.ToRows(network.ForwardRest(inputs.With(before), network.Stages.Count)));
        }
        return new(outputs.ToOutputs(), features);
    }
}
