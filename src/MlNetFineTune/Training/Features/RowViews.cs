using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Training;

/// <summary>How rows look from epoch to epoch, and the names of their looks.</summary>
/// <param name="source">The rows.</param>
/// <param name="augmentation">Makes the views.</param>
/// <param name="seed">Seed of the training.</param>
internal sealed class RowViews(LabeledData source, Augmentation augmentation, long seed)
{
    private readonly string _recipe = augmentation is FixedViews { Augmentation: var varied }
        ? FormattableString.Invariant($"{CanonicalJson.Of(varied)}, seed {seed}, view ")
        : "";

    public Augmentation Augmentation => augmentation;

    /// <summary>The view that an epoch sees; views of different number differ, and equal numbers are the same view.</summary>
    public int NumberOf(int epoch) => augmentation.Views is { } count ? epoch % count : epoch;

    /// <summary>Computes the contents of rows, if the views depend on them.</summary>
    public void Prepare(IReadOnlyList<int> rows, int workers, CancellationToken cancellation) =>
        source.Contents.Compute(rows, workers, cancellation);

    /// <summary>Counts a row's random numbers: by its content where views are fixed, so that they outlive the order of the rows.</summary>
    public int OrdinalOf(int row) => augmentation is FixedViews ? source.Contents[row].Ordinal : row;

    /// <summary>Equal for what looks alike.</summary>
    public ContentHash KeyOf(int row, int view)
    {
        if (_recipe.Length == 0)
            return source.Contents[row];
        Span<byte> content = stackalloc byte[ContentHash.Size];
        source.Contents[row].Write(content);
        return ContentHash.Of(FormattableString.Invariant($"{_recipe}{view}"), content);
    }
}
