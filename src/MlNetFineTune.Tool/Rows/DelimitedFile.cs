using System.Text;
using Microsoft.ML;
using Microsoft.VisualBasic.FileIO;

namespace MlNetFineTune.Tool;

/// <summary>
/// A file whose first line has the names of its columns: CSV (RFC 4180; with semicolons too), or TSV, whose fields have no quotation marks.
/// Relative paths of pictures begin in the folder of the file.
/// </summary>
internal static class DelimitedFile
{
    private static readonly string[] s_endings = [".csv", ".tsv", ".tab"];

    /// <param name="ml">The context.</param>
    /// <param name="path">Full path of the file.</param>
    /// <param name="names">Names of its columns; by default Label, and either ImagePath or Text. Capitals do not matter.</param>
    /// <exception cref="InvalidDataException">A column is missing, or a line has no label or another number of fields.</exception>
    public static LabeledRows Read(MLContext ml, string path, ColumnNames names)
    {
        string ending = Path.GetExtension(path).ToLowerInvariant();
        if (!s_endings.Contains(ending))
        {
            throw new InvalidDataException(
                $"'{path}' is no folder, and its name ends in none of {string.Join(", ", s_endings)}: data are a folder of photos with a "
                + "folder for each class, or a file of lines.");
        }

        using var parser = new TextFieldParser(path, Encoding.UTF8, detectEncoding: true)
        {
            Delimiters = [ending == ".csv" ? SeparatorOf(path) : "\t"],
            HasFieldsEnclosedInQuotes = ending == ".csv",
            TrimWhiteSpace = false,
        };
        string[] header = Fields(parser, path) ?? throw new InvalidDataException($"'{path}' is empty.");
        int label = Find(header, names.Label ?? "Label", "--label", path);
        (RowKind kind, int value) = FindValue(header, names, path);

        string folder = Path.GetDirectoryName(path)!;
        var rows = new List<(string Label, string Value)>();
        while (Fields(parser, path) is { } fields)
        {
            long line = parser.LineNumber > 0 ? parser.LineNumber - 1 : rows.Count + 2; // -1 after the last line
            if (fields.Length != header.Length)
                throw new InvalidDataException($"'{path}', line {line}: {fields.Length} fields, where the first line has {header.Length}.");
            if (string.IsNullOrWhiteSpace(fields[label]))
                throw new InvalidDataException($"'{path}', line {line}: the column {SafeText.Quoted(header[label])} has no label.");
            rows.Add((fields[label], kind == RowKind.Photos ? Path.Combine(folder, fields[value]) : fields[value]));
        }
        if (rows.Count == 0)
            throw new InvalidDataException($"'{path}' has names of columns and no rows.");
        IDataView view = kind == RowKind.Photos
            ? ml.Data.LoadFromEnumerable(rows.ConvertAll(row => new PhotoRow { Label = row.Label, ImagePath = row.Value }))
            : ml.Data.LoadFromEnumerable(rows.ConvertAll(row => new TextRow { Label = row.Label, Text = row.Value }));
        return new LabeledRows(kind, path, view);
    }

    private static (RowKind Kind, int Column) FindValue(string[] header, ColumnNames names, string path)
    {
        if (names.Image is { } image)
            return (RowKind.Photos, Find(header, image, "--image", path));
        if (names.Text is { } text)
            return (RowKind.Texts, Find(header, text, "--text", path));
        int images = IndexOf(header, RowKind.Photos.Column), texts = IndexOf(header, RowKind.Texts.Column);
        return (images, texts) switch
        {
            ( >= 0, < 0) => (RowKind.Photos, images),
            ( < 0, >= 0) => (RowKind.Texts, texts),
            _ => throw new InvalidDataException(
                $"'{path}': which column has the pictures' paths (--image NAME) or the texts (--text NAME)? {Listed(header)}"),
        };
    }

    private static int Find(string[] header, string name, string option, string path) => IndexOf(header, name) is >= 0 and var found
        ? found
        : throw new InvalidDataException($"'{path}' has no column {SafeText.Quoted(name)} ({option} NAME chooses one). {Listed(header)}");

    private static string Listed(string[] header) => $"Its columns are {SafeText.Several(header, quoted: true)}.";

    private static int IndexOf(string[] header, string name) =>
        Array.FindIndex(header, column => column.Trim().Equals(name, StringComparison.OrdinalIgnoreCase));

    private static string SeparatorOf(string path) =>
        File.ReadLines(path).FirstOrDefault() is { } first && first.Contains(';') && !first.Contains(',') ? ";" : ",";

    private static string[]? Fields(TextFieldParser parser, string path)
    {
        try
        {
            return parser.ReadFields();
        }
        catch (MalformedLineException e)
        {
            throw new InvalidDataException($"'{path}', line {e.LineNumber}: a quotation mark is not closed, or text follows it.", e);
        }
    }
}
