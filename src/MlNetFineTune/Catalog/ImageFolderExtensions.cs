using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;

namespace Microsoft.ML;

// Loading pictures from folders: ml.Data.LoadImageFolder(...).
public static partial class FineTuningExtensions
{
    /// <summary>
    /// Reads a folder with one subfolder per class: column <c>Label</c> (text, the name of the folder below <paramref name="path"/>) and
    /// <c>ImagePath</c> (text, the full path).
    /// </summary>
    /// <remarks>
    /// Subfolders are searched too, in ordinal order. Pictures are files whose names end in jpg, jpeg, jpe, jfif, pjpeg, pjp, png, apng,
    /// gif, bmp, dib or webp; other files that look like pictures are left out with a warning. Links to folders are followed, each folder
    /// once per class; links to a folder above are ignored. Hidden files and folders (a name that begins with a full stop, or the
    /// attribute) and <c>__MACOSX</c> are ignored.
    /// </remarks>
    /// <param name="catalog">The data operations.</param>
    /// <param name="path">Path of the folder that contains the folders of the classes.</param>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="InvalidDataException">
    /// Fewer than two classes have pictures, or a class folder has none; the message names it.
    /// </exception>
    public static IDataView LoadImageFolder(this DataOperationsCatalog catalog, string path)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return catalog.LoadFromEnumerable(ImageFolder.Read(Contexts.GetEnvironment(catalog), path));
    }
}
