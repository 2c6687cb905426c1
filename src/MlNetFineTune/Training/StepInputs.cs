using MlNetFineTune.Augmentations;
using MlNetFineTune.Rows;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>What enters the trainable part of the network in one step.</summary>
/// <param name="Activations">The output of the frozen stages; the pixels, if nothing is frozen. The loop disposes it.</param>
/// <param name="Rows">One row each, in the same order.</param>
/// <param name="Mix">How the pictures, and so the labels, were mixed; null where they were not.</param>
internal readonly record struct StepInput(Tensor Activations, int[] Rows, Mix? Mix = null)
{
    /// <summary>Which of the epoch's batches it is, from 0.</summary>
    public int Batch { get; init; }
}

/// <summary>Gives the trainable part of the network its input, batch by batch.</summary>
internal abstract class StepInputs
{
    /// <summary>Batches in which nothing could be read are left out.</summary>
    /// <param name="batches">Rows of each, of the whole epoch.</param>
    /// <param name="epoch">Counts the random numbers.</param>
    /// <param name="first">The batch to begin with.</param>
    public abstract IEnumerable<StepInput> Read(IReadOnlyList<int[]> batches, int epoch, int first = 0);
}

/// <summary>From pictures: decode, augment, and run the frozen stages.</summary>
/// <param name="trunk">From pictures to activations.</param>
/// <param name="subset">The rows.</param>
/// <param name="views">Of single pictures, and of the batch.</param>
/// <param name="epochs">Of the whole training.</param>
/// <param name="badRows">Told of pictures that cannot be read.</param>
/// <param name="cancellation">Ends reading.</param>
internal sealed class RowInputs(FrozenTrunk trunk, RowSubset subset, RowViews views, int epochs, BadRowLog badRows, CancellationToken cancellation) : StepInputs
{
    private readonly BatchAugmentation _batchAugmentation = new(views.Augmentation, trunk.Seed, epochs);

    public override IEnumerable<StepInput> Read(IReadOnlyList<int[]> batches, int epoch, int first = 0)
    {
        var (view, ordinal) = (views.NumberOf(epoch), first);
        foreach (var batch in trunk.LoaderFor(subset.Source).Read([.. batches.Skip(first)], views.Augmentation, view, (row, reason) => badRows.Add(subset.Source, row, reason), cancellation, views.OrdinalOf))
        {
            if (batch.Count > 0)
                yield return Enter(batch, view, ordinal);
            ordinal++;
        }
    }

    private StepInput Enter(Batch batch, int view, int ordinal)
    {
        var pixels = trunk.Enter(batch);
        try
        {
            var mix = _batchAugmentation.Apply(pixels, Array.ConvertAll(batch.Rows, views.OrdinalOf), view, ordinal);
            return new StepInput(trunk.Forward(pixels), batch.Rows, mix) { Batch = ordinal };
        }
        catch
        {
            pixels.Dispose();
            throw;
        }
    }
}

/// <summary>From what the frozen stages computed before.</summary>
internal sealed class CachedInputs(IFeatureStore store, FeatureLayout layout, RowViews views, Device device) : StepInputs
{
    public override IEnumerable<StepInput> Read(IReadOnlyList<int[]> batches, int epoch, int first = 0)
    {
        var view = views.NumberOf(epoch);
        return batches.Index().Skip(first).Select(batch => new StepInput(layout.Get(store, Array.ConvertAll(batch.Item, row => views.KeyOf(row, view)), device), batch.Item) { Batch = batch.Index });
    }
}
