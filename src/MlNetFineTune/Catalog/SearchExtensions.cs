using MlNetFineTune;
using MlNetFineTune.Search;

namespace Microsoft.ML;

// Finding pictures that are alike.
public static partial class FineTuningExtensions
{
    /// <summary>
    /// An index of pictures by their features, for finding those that are most alike. Rows without features (missing values, or all zero)
    /// are left out; a warning in the log names them.
    /// </summary>
    /// <param name="catalog">Of the context.</param>
    /// <param name="data">A row for each picture; read once.</param>
    /// <param name="keyColumnName">A text that differs from row to row, such as the path. Default "ImagePath".</param>
    /// <param name="featuresColumnName">Vector of Single of known size. Default "Features".</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
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
