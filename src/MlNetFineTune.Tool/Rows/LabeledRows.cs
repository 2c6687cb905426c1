using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Tool;

/// <summary>Rows with a class each.</summary>
/// <param name="Kind">What they are.</param>
/// <param name="Source">Path of their folder or file.</param>
/// <param name="View">Columns: Label, and that of the kind; both text.</param>
internal sealed record LabeledRows(RowKind Kind, string Source, IDataView View)
{
    /// <summary>The label of each row.</summary>
    public IReadOnlyList<string> Labels { get; } = [.. View.GetColumn<string>("Label")];

    /// <param name="ml">The context.</param>
    /// <param name="path">A folder of photos with a folder for each class, or a file of <see cref="DelimitedFile"/>.</param>
    /// <param name="columns">Columns of a file.</param>
    /// <exception cref="FileNotFoundException">There is neither a file nor a folder.</exception>
    /// <exception cref="InvalidDataException">The data cannot be used; the message says where and why.</exception>
    public static LabeledRows Read(MLContext ml, string path, ColumnNames columns)
    {
        string full = Path.GetFullPath(path);
        if (File.Exists(full))
            return DelimitedFile.Read(ml, full, columns);
        if (!Directory.Exists(full))
            throw new FileNotFoundException($"There is neither a folder nor a file '{full}'.");
        if (columns.AreGiven)
        {
            throw new InvalidDataException(
                $"'{full}' is a folder, and --label, --image and --text name columns of a file: leave them out.");
        }
        return new LabeledRows(RowKind.Photos, full, ml.Data.LoadImageFolder(full));
    }

    /// <summary>The classes of test data must be among those of the training.</summary>
    /// <param name="classes">The known classes.</param>
    /// <param name="source">What knows them, for the message.</param>
    /// <exception cref="InvalidDataException">One is not.</exception>
    public void RequireClassesOf(IEnumerable<string> classes, string source)
    {
        if (Labels.Except(classes, StringComparer.Ordinal).FirstOrDefault() is { } unknown)
            throw new InvalidDataException($"'{Source}' has the class {SafeText.Quoted(unknown)}, which '{source}' lacks.");
    }
}

/// <summary>A row of <see cref="RowKind.Photos"/>.</summary>
internal sealed class PhotoRow
{
    public string Label { get; set; } = "";

    public string ImagePath { get; set; } = "";
}

/// <summary>A row of <see cref="RowKind.Texts"/>.</summary>
internal sealed class TextRow
{
    public string Label { get; set; } = "";

    public string Text { get; set; } = "";
}
