using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tasks;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>What the finished network gives for the validation rows, read and scored anew.</summary>
internal static class ValidationOutputs
{
    /// <param name="run">Its network is ready to score. Rows that cannot be read are left out.</param>
    public static RowOutputs Compute(TrainingRun run)
    {
        var (subset, options) = (run.Data.Validation, run.Options);
        var collected = new RowOutputs.Collector();
        using var encoder = new FrozenEncoder(run.Network, run.Input, stages: 0, run.Seed, options.Workers);
        var batches = BatchLoader.Split(subset.Rows, options.BatchSize);
        foreach (var batch in encoder.LoaderFor(subset.Source).Read(
            batches, Augmentation.None, epoch: 0, (_, _) => { }, options.CancellationToken))
        {
            run.CheckAlive();
            if (batch.Count == 0)
                continue;
            using var scope = NewDisposeScope();
            using var inference = inference_mode();
            collected.Add(batch.Rows, run.Network.ForwardRest(encoder.Enter(batch), first: 0));
        }
        return collected.ToOutputs();
    }
}
