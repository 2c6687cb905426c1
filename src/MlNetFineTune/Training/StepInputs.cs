using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>What enters the trainable part of the network in one step.</summary>
/// <param name="Inputs">What the frozen stages gave; the network's input, if nothing is frozen.</param>
/// <param name="Rows">One row each, in the same order.</param>
/// <param name="Mix">How the pictures, and so the labels, were mixed; null where they were not.</param>
/// <remarks>Whoever reads it disposes it.</remarks>
internal readonly record struct StepInput(ModelInputs Inputs, int[] Rows, Mix? Mix = null) : IDisposable
{
    /// <summary>Index of the batch in the epoch, from 0.</summary>
    public int Batch { get; init; }

    /// <summary>[N, classes]: what a teacher says of the same pixels; null where there is none.</summary>
    public Tensor? TeacherLogits { get; init; }

    public void Dispose()
    {
        Inputs.Dispose();
        TeacherLogits?.Dispose();
    }
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

/// <summary>From pictures: decode, augment, ask the teacher, and run the frozen stages.</summary>
/// <param name="encoder">From pictures to activations.</param>
/// <param name="subset">The rows.</param>
/// <param name="views">Augmentation of single pictures and of the batch.</param>
/// <param name="epochs">Epochs of the whole training.</param>
/// <param name="badRows">Receives the pictures that cannot be read.</param>
/// <param name="cancellation">Ends reading.</param>
/// <param name="teacher">Sees the pixels as they enter; null where there is none.</param>
internal sealed class RowInputs(
    FrozenNetwork encoder, RowSubset subset, RowViews views, int epochs, BadRowLog badRows, CancellationToken cancellation,
    Teacher? teacher = null) : StepInputs
{
    private readonly BatchAugmentation _batchAugmentation = new(views.Augmentation, encoder.Seed, epochs);

    public override IEnumerable<StepInput> Read(IReadOnlyList<int[]> batches, int epoch, int first = 0)
    {
        var (view, ordinal) = (views.NumberOf(epoch), first);
        foreach (var batch in encoder.LoaderFor(subset.Source)
            .Read([.. batches.Skip(first)], views.Augmentation, view, (row, reason) => badRows.Add(subset.Source, row, reason),
                cancellation, views.OrdinalOf))
        {
            if (batch.Count > 0)
                yield return Enter(batch, view, ordinal);
            ordinal++;
        }
    }

    private StepInput Enter(Batch batch, int view, int ordinal)
    {
        var inputs = encoder.Enter(batch);
        Tensor? logits = null;
        try
        {
            var mix = _batchAugmentation.Apply(inputs.Activations, Array.ConvertAll(batch.Rows, views.OrdinalOf), view, ordinal);
            logits = teacher?.LogitsOf(inputs);
            return new StepInput(encoder.Forward(inputs), batch.Rows, mix) { Batch = ordinal, TeacherLogits = logits };
        }
        catch
        {
            inputs.Dispose();
            logits?.Dispose();
            throw;
        }
    }
}

/// <summary>From what the frozen stages computed before.</summary>
/// <param name="outputs">Of the stages.</param>
/// <param name="encoder">Collates what stands beside them.</param>
/// <param name="source">The rows.</param>
internal sealed class CachedInputs(CachedFeatures outputs, FrozenNetwork encoder, LabeledData source) : StepInputs
{
    public override IEnumerable<StepInput> Read(IReadOnlyList<int[]> batches, int epoch, int first = 0) =>
        batches.Index().Skip(first).Select(batch =>
            new StepInput(encoder.WithBeside(outputs.Of(batch.Item, epoch), source, batch.Item), batch.Item) { Batch = batch.Index });
}
