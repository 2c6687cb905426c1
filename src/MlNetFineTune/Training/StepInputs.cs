using MlNetFineTune.Rows;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>What enters the trainable part of the network in one step.</summary>
/// <param name="Activations">The output of the frozen stages; the pixels, if nothing is frozen. The loop disposes it.</param>
/// <param name="Rows">One row each, in the same order.</param>
internal readonly record struct StepInput(Tensor Activations, int[] Rows);

/// <summary>Gives the trainable part of the network its input, batch by batch.</summary>
internal abstract class StepInputs
{
    public abstract IEnumerable<StepInput> Read(IReadOnlyList<int[]> batches, int epoch);
}

/// <summary>From pictures: decode, augment, and run the frozen stages.</summary>
internal sealed class ImageInputs(FrozenTrunk trunk, RowSubset subset, Augmentation augmentation, BadRowLog badRows, CancellationToken cancellation) : StepInputs
{
    public override IEnumerable<StepInput> Read(IReadOnlyList<int[]> batches, int epoch)
    {
        foreach (var batch in trunk.LoaderFor(subset.Source).Read(batches, augmentation, epoch, (row, reason) => badRows.Add(subset.Source, row, reason), cancellation))
        {
            if (batch.Count > 0)
                yield return new StepInput(trunk.Forward(batch), batch.Rows);
        }
    }
}

/// <summary>From what the frozen stages computed before.</summary>
internal sealed class CachedInputs(IFeatureStore features) : StepInputs
{
    public override IEnumerable<StepInput> Read(IReadOnlyList<int[]> batches, int epoch) =>
        batches.Select(rows => new StepInput(features.Get(rows), rows));
}
