using MlNetFineTune;
using MlNetFineTune.Search;

namespace Microsoft.ML;

// Similarity search for pictures.
public static partial class FineTuningExtensions
{
    /// <summary>
    /// Builds an index of pictures, or of other rows such as texts, by their features, for similarity search. Rows without features
    /// (missing values, or all zero) are skipped; a warning in the log names them.
    /// </summary>
    /// <param name="catalog">The catalog <c>ml.FineTuning</c>.</param>
    /// <param name="data">One row for each picture or text; read once.</param>
    /// <param name="keyColumnName">Name of the text column with a unique key for each row, such as the path. Default "ImagePath".</param>
    /// <param name="featuresColumnName">Name of the feature column, a vector of Single of known size. Default "Features".</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has another type.</exception>
    /// <exception cref="InvalidOperationException">Two rows have the same key, or no row has features.</exception>
    public static ImageIndex BuildImageIndex(
        this FineTuningCatalog catalog, IDataView data, string keyColumnName = "ImagePath", string featuresColumnName = "Features")
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(data);
        ArgumentException.ThrowIfNullOrWhiteSpace(keyColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(featuresColumnName);
        return ImageIndexBuilder.Build(catalog.Context, data, keyColumnName, featuresColumnName);
    }
}
