using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Processes;

namespace MlNetFineTune.Training;

/// <summary>The views of rows in epochs, and their keys.</summary>
/// <param name="source">The rows.</param>
/// <param name="augmentation">The augmentation that creates the views.</param>
/// <param name="seed">Seed of the training.</param>
internal sealed class RowViews(LabeledData source, Augmentation augmentation, long seed)
{
    private readonly string _recipe = augmentation is FixedViews { Augmentation: var varied }
        ? FormattableString.Invariant($"{CanonicalJson.Of(varied)}{source.Inputs.AugmentedFrom}, seed {seed}, view ")
        : "";

    public Augmentation Augmentation => augmentation;

    /// <summary>The number of the view in an epoch; equal numbers are the same view.</summary>
    public int NumberOf(int epoch) => augmentation.Views is { } count ? epoch % count : epoch;

    /// <summary>Computes the contents of rows, if the views depend on them; of several processes each a part of them.</summary>
    public void Prepare(IReadOnlyList<int> rows, int workers, CancellationToken cancellation, ProcessGroup processes)
    {
        if (!processes.IsSeveral)
        {
            source.Contents.Compute(rows, workers, cancellation);
            return;
        }
        int[] own = [.. rows.Take(Slice.Of(rows.Count, processes))];
        source.Contents.Compute(own, workers, cancellation);
        var all = processes.Gather(source.Contents.BytesOf(own));
        for (var rank = 0; rank < all.Length; rank++)
            source.Contents.Take([.. rows.Take(Slice.Of(rows.Count, rank, all.Length))], all[rank]);
    }

    /// <summary>
    /// The number that stands for a row in its random numbers: from its content for fixed views, so that they do not depend on the order of
    /// the rows.
    /// </summary>
    public int OrdinalOf(int row) => augmentation is FixedViews ? source.Contents[row].Ordinal : row;

    /// <summary>A key that is equal for equal views.</summary>
    public ContentHash KeyOf(int row, int view)
    {
        if (_recipe.Length == 0)
            return source.Contents[row];
        Span<byte> content = stackalloc byte[ContentHash.Size];
        source.Contents[row].Write(content);
        return ContentHash.Of(FormattableString.Invariant($"{_recipe}{view}"), content);
    }
}
