using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;

namespace Microsoft.ML;

// Loading pictures from folders: ml.Data.LoadImageFolder(...).
public static partial class FineTuningExtensions
{
    /// <summary>
    /// Reads a tree with one folder a class: column <c>Label</c> (text, the name of the folder below <paramref name="path"/>) and
    /// <c>ImagePath</c> (text, the full path).
    /// </summary>
    /// <remarks>
    /// Files are found in subfolders too, in ordinal order; only names ending in jpg, jpeg, jpe, jfif, pjpeg, pjp, png, apng, gif, bmp, dib
    /// or webp count, and a warning says what else looks like a
    /// picture and is left out. Links to folders are followed, each folder once in a class; a link to a folder above leads nowhere. What is
    /// hidden (its name begins with a full stop, or its attribute
    /// says so), and <c>__MACOSX</c>, is not seen.
    /// </remarks>
    /// <param name="catalog">The data operations.</param>
    /// <param name="path">The folder of the classes.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">There are fewer than two classes with pictures, or folders without any, which are named: each
    /// folder is a class.</exception>
    public static IDataView LoadImageFolder(this DataOperationsCatalog catalog, string path)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return catalog.LoadFromEnumerable(ImageFolder.Read(Contexts.GetEnvironment(catalog), path));
    }
}
