using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Processes;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>Input of the trained stages for one batch.</summary>
/// <param name="Inputs">Outputs of the frozen stages, or the network's input if nothing is frozen.</param>
/// <param name="Rows">Indices of the rows, in the same order: with several processes those that this one has read, possibly none.</param>
/// <param name="Mix">How pictures and labels are mixed; null without mixing.</param>
/// <remarks>The reader disposes it.</remarks>
internal readonly record struct StepInput(ModelInputs Inputs, int[] Rows, Mix? Mix = null) : IDisposable
{
    /// <summary>The rows of the whole batch that could be read, in all processes, in the order of the batch.</summary>
    public int[] BatchRows
    {
        get => field ?? Rows;
        init;
    }

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

    /// <summary>Reads batches; those without readable rows in any process are skipped.</summary>
    /// <param name="batches">Rows of each batch of the epoch.</param>
    /// <param name="epoch">The epoch, for the random numbers.</param>
    /// <param name="first">Index of the first batch.</param>
    /// <param name="pairs">The pairs of each batch, of which both rows are in the same slice; null if there are none.</param>
    public abstract IEnumerable<StepInput> Read(
        IReadOnlyList<int[]> batches, int epoch, int first = 0, IReadOnlyList<RowPair[]>? pairs = null);

    protected static int[] SliceOf(int[] batch, RowPair[]? pairs, ProcessGroup processes) => !processes.IsSeveral ? batch
        : pairs is null ? batch[Slice.Of(batch.Length, processes)]
        : PairBatches.RowsOf(pairs[Slice.Of(pairs.Length, processes)]);
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
/// <param name="processes">The processes; null for one alone.</param>
internal sealed class RowInputs(
    FrozenNetwork encoder, RowSubset subset, RowViews views, int epochs, BadRowLog badRows, CancellationToken cancellation,
    Teacher? teacher = null, BatchSheet? sheet = null, ProcessGroup? processes = null) : StepInputs
{
    private readonly ProcessGroup _processes = processes ?? ProcessGroup.Single;
    private readonly BatchAugmentation _batchAugmentation = new(views.Augmentation, encoder.Seed, epochs);

    public Dataset Rows => subset.Source.Inputs;

    public override IEnumerable<StepInput> Read(
        IReadOnlyList<int[]> batches, int epoch, int first = 0, IReadOnlyList<RowPair[]>? pairs = null)
    {
        var (view, ordinal) = (views.NumberOf(epoch), first);
        var bad = new AgreedBadRows(_processes, (row, reason) => badRows.Add(subset.Source, row, reason));
        int[][] slices = [.. batches.Index().Skip(first).Select(batch => SliceOf(batch.Item, pairs?[batch.Index], _processes))];
        foreach (var own in encoder.LoaderFor(subset.Source)
            .Read(slices, views.Augmentation, view, bad.Add, cancellation, views.OrdinalOf))
        {
            var rows = bad.RowsOf(batches[ordinal], own.Rows);
            if (own.Count > 0)
                yield return Enter(own, view, ordinal) with { BatchRows = rows };
            else if (rows.Length > 0)
                yield return new StepInput(encoder.Forward(encoder.Placeholder(subset.Source)), []) { BatchRows = rows, Batch = ordinal };
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
/// <param name="processes">The processes; null for one alone.</param>
internal sealed class CachedInputs(
    CachedFeatures outputs, FrozenNetwork encoder, LabeledData source, ProcessGroup? processes = null) : StepInputs
{
    public override bool ReadsRows => false;

    public override IEnumerable<StepInput> Read(
        IReadOnlyList<int[]> batches, int epoch, int first = 0, IReadOnlyList<RowPair[]>? pairs = null) =>
        batches.Index().Skip(first).Select(batch =>
        {
            var own = SliceOf(batch.Item, pairs?[batch.Index], processes ?? ProcessGroup.Single);
            var inputs = own.Length > 0
                ? encoder.WithBeside(outputs.Of(own, epoch), source, own)
                : encoder.WithBeside(outputs.Of(batch.Item[..1], epoch), source, batch.Item[..1]); // a placeholder
            return new StepInput(inputs, own)
            {
                BatchRows = batch.Item,
                Batch = batch.Index,
            };
        });
}
