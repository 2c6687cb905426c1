using Microsoft.ML.Data;
using MlNetFineTune.Rows;

namespace Microsoft.ML;

/// <summary>Loading pictures from folders: <c>ml.Data.LoadImageFolder(...)</c>.</summary>
public static class ImageFolderCatalog
{
    /// <summary>
    /// Reads a tree with one folder a class: column <c>Label</c> (text, the name of the folder below <paramref name="path"/>) and <c>ImagePath</c>
    /// (text, the full path). Files are found in subfolders too, in ordinal order; only names ending in jpg, jpeg, png, bmp, gif or webp count.
    /// </summary>
    /// <param name="catalog">The data operations.</param>
    /// <param name="path">The folder of the classes.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">There are fewer than two classes with pictures.</exception>
    public static IDataView LoadImageFolder(this DataOperationsCatalog catalog, string path)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return catalog.LoadFromEnumerable(ImageFolder.Read(path));
    }
}
