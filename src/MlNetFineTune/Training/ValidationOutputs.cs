using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tasks;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>Computes the outputs of the trained network for the validation rows again.</summary>
internal static class ValidationOutputs
{
    /// <param name="run">The run, whose network is prepared for scoring. Rows that cannot be read are skipped.</param>
    public static RowOutputs Compute(TrainingRun run)
    {
        var (subset, options) = (run.Data.Validation, run.Options);
        var collected = new RowOutputs.Collector();
        using var encoder = new FrozenEncoder(run.Network, run.Input, stages: 0, run.Seed, options.Workers);
        var batches = new LengthBuckets(subset.Source.Inputs, options.BatchSize, options.TokensOfBatch).Sorted(subset.Rows);
        foreach (var batch in encoder.LoaderFor(subset.Source).Read(
            batches, Augmentation.None, epoch: 0, (_, _) => { }, options.CancellationToken))
        {
            run.CheckAlive();
            if (batch.Count == 0)
                continue;
            using var scope = NewDisposeScope();
            using var inference = inference_mode();
            collected.Add(batch.Rows, run.Objective.ToRows(run.Network.ForwardRest(encoder.Enter(batch), first: 0)));
        }
        return collected.ToOutputs();
    }
}
