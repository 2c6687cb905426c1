using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>Input of the trained stages for one batch, or for the slice of a batch that this process computes.</summary>
/// <param name="Inputs">
/// Outputs of the frozen stages, or the network's input if nothing is frozen. Null if the slice has no row that can be read: see
/// <see cref="StepInputs.Placeholder"/>.
/// </param>
/// <param name="Rows">Indices of the rows, in the same order; none if the slice has no row that can be read.</param>
/// <param name="Mix">How pictures and labels are mixed; null without mixing.</param>
/// <remarks>The reader disposes it.</remarks>
internal readonly record struct StepInput(ModelInputs? Inputs, int[] Rows, Mix? Mix = null) : IDisposable
{
    /// <summary>Index of the batch in the epoch, from 0.</summary>
    public int Batch { get; init; }

    /// <summary>The rows of the whole batch that could be read, in all processes, in the order of the batch. At least one.</summary>
    public int[] BatchRows { get; init; } = Rows;

    /// <summary>Number of <see cref="BatchRows"/>.</summary>
    public int GlobalRows => BatchRows.Length;

    /// <summary>[N, classes]: a teacher's logits for the same pixels; null without a teacher, and where there is no row.</summary>
    public Tensor? TeacherLogits { get; init; }

    public void Dispose()
    {
        Inputs?.Dispose();
        TeacherLogits?.Dispose();
    }
}

/// <summary>Source of the inputs of the trained stages, batch by batch.</summary>
internal abstract class StepInputs
{
    /// <summary>Whether rows are read and the frozen stages run, so that the lengths of rows matter; false for cached features.</summary>
    public virtual bool ReadsRows => true;

    /// <summary>
    /// Reads batches, or this process's slices of them; those without readable rows in any process are skipped, in all processes.
    /// </summary>
    /// <param name="batches">Rows of each batch of the epoch, in all processes together.</param>
    /// <param name="epoch">The epoch, for the random numbers.</param>
    /// <param name="first">Index of the first batch.</param>
    /// <param name="pairs">The pairs of each batch, of which both rows are in the same slice; null if there are none.</param>
    public abstract IEnumerable<StepInput> Read(
        IReadOnlyList<int[]> batches, int epoch, int first = 0, IReadOnlyList<RowPair[]>? pairs = null);

    /// <summary>
    /// The input of one row that does not count, for a process without rows where BatchNorm needs all processes. The caller disposes it.
    /// </summary>
    public abstract ModelInputs Placeholder();
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
/// <param name="processes">The processes that read slices of the same batches; null for this one alone.</param>
/// <param name="resizing">Makes pictures smaller in the first epochs; null for none. A teacher sees them whole.</param>
internal sealed class RowInputs(
    FrozenNetwork encoder, RowSubset subset, RowViews views, int epochs, BadRowLog badRows, CancellationToken cancellation,
    Teacher? teacher = null, BatchSheet? sheet = null, ProcessGroup? processes = null, ProgressiveResizing? resizing = null) : StepInputs
{
    private readonly ProcessGroup _group = processes ?? ProcessGroup.Single;
    private readonly BatchAugmentation _batchAugmentation = new(views.Augmentation, encoder.Seed, epochs);

    public Dataset Rows => subset.Source.Inputs;

    public override IEnumerable<StepInput> Read(
        IReadOnlyList<int[]> batches, int epoch, int first = 0, IReadOnlyList<RowPair[]>? pairs = null)
    {
        var (view, ordinal) = (views.NumberOf(epoch), first);
        var bad = new AgreedBadRows(_group, (row, reason) => badRows.Add(subset.Source, row, reason));
        // Mixing is drawn before reading, since a slice needs the partners of its rows.
        BatchSlice[] slices = [.. batches.Index().Skip(first).Select(batch => BatchSlice.Of(
            batch.Item, pairs?[batch.Index], _batchAugmentation.Plan(batch.Item.Length, view, batch.Index), _group))];
        foreach (var batch in encoder.LoaderFor(subset.Source)
            .Read(Array.ConvertAll(slices, slice => slice.Read), views.Augmentation, view, bad.Add, cancellation, views.OrdinalOf))
        {
            var slice = slices[ordinal - first].Readable(batch.Rows);
            var rows = bad.RowsOf(batches[ordinal], slice.Rows);
            if (rows.Length > 0)
            {
                var input = slice.Rows.Length > 0 ? Enter(batch, slice, view, epoch) : new StepInput(Inputs: null, Rows: []);
                yield return input with { Batch = ordinal, BatchRows = rows };
            }
            ordinal++;
        }
    }

    public override ModelInputs Placeholder() => encoder.Forward(encoder.Placeholder(subset.Source));

    private StepInput Enter(Batch batch, BatchSlice slice, int view, int epoch)
    {
        var inputs = encoder.Enter(batch);
        Tensor? logits = null;
        try
        {
            var partners = slice.PlacesOfPartners();
            var share = _batchAugmentation.Apply(
                inputs.Activations, Array.ConvertAll(batch.Rows, views.OrdinalOf), view, slice.Mixing, partners);
            if (slice.Rows.Length < batch.Count)
                inputs = First(slice.Rows.Length, inputs);
            inputs = inputs.With(new TrainingRows(slice.Rows, slice.Counts));
            var mix = share is { } own ? new Mix([.. partners.Take(slice.Rows.Length).Select(place => batch.Rows[place])], own) : null;
            sheet?.Offer(inputs.Activations, slice.Rows, mix, isAugmented: views.Augmentation != Augmentation.None);
            logits = teacher?.LogitsOf(inputs);
            if (resizing is not null && epoch <= resizing.LastEpoch(epochs))
                inputs = resizing.Resize(inputs);
            return new StepInput(encoder.Forward(inputs), slice.Rows, mix) { TeacherLogits = logits };
        }
        catch
        {
            inputs.Dispose();
            logits?.Dispose();
            throw;
        }
    }

    // Without the rows that were read as partners of others, which only pictures have.
    private static ModelInputs First(int count, ModelInputs inputs)
    {
        using (inputs)
        {
            var beside = inputs.Beside.ToDictionary(named => named.Key, named => named.Value.narrow(0, 0, count));
            return new ModelInputs(inputs.Activations.narrow(0, 0, count), beside);
        }
    }
}

/// <summary>Inputs from cached outputs of the frozen stages.</summary>
/// <param name="outputs">The cached outputs.</param>
/// <param name="encoder">Collates the other inputs.</param>
/// <param name="source">The rows.</param>
/// <param name="processes">The processes that read slices of the same batches; null for this one alone.</param>
internal sealed class CachedInputs(
    CachedFeatures outputs, FrozenNetwork encoder, LabeledData source, ProcessGroup? processes = null) : StepInputs
{
    private readonly ProcessGroup _group = processes ?? ProcessGroup.Single;

    public override bool ReadsRows => false;

    public override IEnumerable<StepInput> Read(
        IReadOnlyList<int[]> batches, int epoch, int first = 0, IReadOnlyList<RowPair[]>? pairs = null) =>
        batches.Index().Skip(first).Select(batch =>
        {
            var slice = BatchSlice.Of(batch.Item, pairs?[batch.Index], mixing: null, _group);
            return new StepInput(InputsOf(slice, epoch), slice.Rows) { Batch = batch.Index, BatchRows = batch.Item };
        });

    public override ModelInputs Placeholder() => encoder.PlaceholderOfOutputs(source);

    private ModelInputs? InputsOf(BatchSlice slice, int epoch) => slice.Rows.Length == 0 ? null
        : encoder.WithBeside(outputs.Of(slice.Rows, epoch), source, slice.Rows).With(new TrainingRows(slice.Rows, slice.Counts));
}
