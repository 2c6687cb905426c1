using MlNetFineTune;
using MlNetFineTune.Search;

namespace Microsoft.ML;

// Similarity search for pictures.
public static partial class FineTuningExtensions
{
    /// <summary>
    /// Creates an index of pictures by their features, for similarity search. Rows without features (missing values, or all zero) are
    /// excluded and named in a warning.
    /// </summary>
    /// <param name="catalog">The catalog <c>ml.FineTuning</c>.</param>
    /// <param name="data">One row for each picture; read once.</param>
    /// <param name="keyColumnName">Name of a text column with a different value in each row, such as the path. Default "ImagePath".</param>
    /// <param name="featuresColumnName">
    /// Name of the column of features: a vector of Single of known size, at most 65,536. Default "Features".
    /// </param>
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
