using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>Input of the trained stages for one batch.</summary>
/// <param name="Inputs">Outputs of the frozen stages, or the network's input if nothing is frozen.</param>
/// <param name="Rows">Indices of the rows, in the same order.</param>
/// <param name="Mix">How pictures and labels are mixed; null without mixing.</param>
/// <remarks>The reader disposes it.</remarks>
internal readonly record struct StepInput(ModelInputs Inputs, int[] Rows, Mix? Mix = null) : IDisposable
{
    /// <summary>Index of the batch in the epoch, from 0.</summary>
    public int Batch { get; init; }

    /// <summary>[N, classes]: a teacher's logits for the same pixels; null without a teacher.</summary>
    public Tensor? TeacherLogits { get; init; }

    public void Dispose()
    {
        Inputs.Dispose();
        TeacherLogits?.Dispose();
    }
}

/// <summary>Source of the inputs of the trained stages, batch by batch.</summary>
internal abstract class StepInputs
{
    /// <summary>Whether rows are read and the frozen stages run, so that the lengths of rows matter; false for cached features.</summary>
    public virtual bool ReadsRows => true;

    /// <summary>Reads batches; those without readable rows are skipped.</summary>
    /// <param name="batches">Rows of each batch of the epoch.</param>
    /// <param name="epoch">The epoch, for the random numbers.</param>
    /// <param name="first">Index of the first batch.</param>
    public abstract IEnumerable<StepInput> Read(IReadOnlyList<int[]> batches, int epoch, int first = 0);
}

/// <summary>Inputs from rows: decoding, augmentation, the teacher's logits, and the frozen stages.</summary>
/// <param name="encoder">The frozen stages.</param>
/// <param name="subset">The rows.</param>
/// <param name="views">Augmentation of single pictures and of the batch.</param>
/// <param name="epochs">Epochs of the whole training.</param>
/// <param name="badRows">Receives the pictures that cannot be read.</param>
/// <param name="cancellation">Ends reading.</param>
/// <param name="teacher">A teacher on the network's input; null if there is none.</param>
/// <param name="sheet">Receives the first pictures; null for none.</param>
internal sealed class RowInputs(
    FrozenNetwork encoder, RowSubset subset, RowViews views, int epochs, BadRowLog badRows, CancellationToken cancellation,
    Teacher? teacher = null, BatchSheet? sheet = null) : StepInputs
{
    private readonly BatchAugmentation _batchAugmentation = new(views.Augmentation, encoder.Seed, epochs);

    public Dataset Rows => subset.Source.Inputs;

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
            sheet?.Offer(inputs.Activations, batch.Rows, mix, isAugmented: views.Augmentation != Augmentation.None);
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

/// <summary>Inputs from cached outputs of the frozen stages.</summary>
/// <param name="outputs">The cached outputs.</param>
/// <param name="encoder">Collates the other inputs.</param>
/// <param name="source">The rows.</param>
internal sealed class CachedInputs(CachedFeatures outputs, FrozenNetwork encoder, LabeledData source) : StepInputs
{
    public override bool ReadsRows => false;

    public override IEnumerable<StepInput> Read(IReadOnlyList<int[]> batches, int epoch, int first = 0) =>
        batches.Index().Skip(first).Select(batch =>
            new StepInput(encoder.WithBeside(outputs.Of(batch.Item, epoch), source, batch.Item), batch.Item) { Batch = batch.Index });
}
