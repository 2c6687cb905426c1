using MlNetFineTune;
using MlNetFineTune.Labeling;

namespace Microsoft.ML;

// Active learning: the rows to label next.
public static partial class FineTuningExtensions
{
    /// <summary>
    /// Ranks unlabelled rows by how useful their labels are: which photos to label next. The same data have the same result. Rows without
    /// scores or features (pictures that cannot be read) are left out; a warning in the log names them.
    /// </summary>
    /// <param name="catalog">The catalog <c>ml.FineTuning</c>.</param>
    /// <param name="pool">
    /// The rows that can be labelled, with the columns of the strategy: probabilities as from <c>model.Transform</c>, features as from
    /// <c>ExtractImageFeatures</c>. Read once, and held in memory: a feature vector, or two probabilities, for each row.
    /// </param>
    /// <param name="count">Maximum number of rows. At least 1.</param>
    /// <param name="strategy">How rows are chosen.</param>
    /// <param name="labeled">
    /// The labelled rows, with the key column, and with features if the strategy uses them. Rows of the pool with the same key are left
    /// out. Default null: none.
    /// </param>
    /// <param name="keyColumnName">Name of the text column with a unique key for each row, such as the path. Default "ImagePath".</param>
    /// <param name="cancellationToken">Cancels the ranking.</param>
    /// <returns>The rows to label, the first one first; all rows if the pool has fewer; empty if it has none.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The count is below 1, or a column is missing or has another type.</exception>
    /// <exception cref="InvalidOperationException">
    /// Two rows have the same key, scores are no probabilities of classes, or features of pool and labelled rows differ in size.
    /// </exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static IReadOnlyList<LabelingStrategy.Suggestion> RankForLabeling(
        this FineTuningCatalog catalog, IDataView pool, int count, LabelingStrategy strategy, IDataView? labeled = null,
        string keyColumnName = "ImagePath", CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(pool);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentNullException.ThrowIfNull(strategy);
        ArgumentException.ThrowIfNullOrWhiteSpace(keyColumnName);
        var reader = new LabelingReader(catalog.Context, strategy, pool, keyColumnName);
        var (known, keys) = reader.ReadLabeled(labeled, cancellationToken);
        return strategy.Rank(reader.ReadPool(keys, cancellationToken), known, count, cancellationToken);
    }
}
