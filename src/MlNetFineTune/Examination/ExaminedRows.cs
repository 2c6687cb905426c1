using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Examination;

/// <summary>
/// The rows of the training data, then those of the test data, read once each: where each picture is, and the class of each row. Pictures
/// of files stay where they are; others are in a temporary file.
/// </summary>
internal sealed class ExaminedRows : IDisposable
{
    private const int ThumbnailSize = 128;

    private readonly ExaminationOptions _options;
    private readonly StoredRows _images;
    private readonly List<string?> _labels = [];

    private ExaminedRows(IHost host, ExaminationOptions options)
    {
        _options = options;
        _images = new StoredRows(Contexts.TemporaryFolder(host));
    }

    /// <summary>Number of rows of both splits.</summary>
    public int Count => _images.Count;

    /// <summary>Number of training rows, which come first.</summary>
    public int TrainCount { get; private set; }

    public ImageRows Images => _images;

    /// <summary>Names of the classes in ordinal order; empty without labels.</summary>
    public IReadOnlyList<string> Classes { get; private set; } = [];

    /// <summary>Class of each row, from 0; -1 for a row without a label.</summary>
    public int[] ClassOf { get; private set; } = [];

    public bool InTest(int row) => row >= TrainCount;

    /// <summary>Position of a row in its data view.</summary>
    public long OrdinalOf(int row) => InTest(row) ? row - TrainCount : row;

    /// <summary>Path of the row's picture; null if it is not from a file.</summary>
    public string? PathOf(int row) => _images.PathOf(row) is { Length: > 0 } path ? path : null;

    /// <summary>Name of the row's class; empty without a label.</summary>
    public string LabelOf(int row) => ClassOf[row] < 0 ? "" : Classes[ClassOf[row]];

    /// <summary>Creates a finding about a row.</summary>
    public DataExamination.Finding Finding(DataExamination.FindingKind kind, int row, float score, string advice) => new()
    {
        Kind = kind,
        InTest = InTest(row),
        Row = OrdinalOf(row),
        Path = PathOf(row),
        Score = score,
        Advice = advice,
    };

    /// <summary>The rows for drawing thumbnails. Not to be disposed: it shares the pictures of this object.</summary>
    public LabeledData ForThumbnails() => new(
        new EncodedImages(
            _images, _options.ImageColumnName, new ImageEncoder(new ImagePreprocessing { Size = ThumbnailSize, CropFraction = 1 })),
        labels: new float[Count], ordinals: [.. Enumerable.Range(0, Count).Select(OrdinalOf)], groups: null, withoutLabel: 0);

    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has another type; ML.NET's own error.</exception>
    public static ExaminedRows Read(IHost host, IDataView train, IDataView? test, ExaminationOptions options)
    {
        var rows = new ExaminedRows(host, options);
        try
        {
            rows.Read(host, train);
            rows.TrainCount = rows.Count;
            if (test is not null)
                rows.Read(host, test);
            rows.FindClasses();
            return rows;
        }
        catch
        {
            rows.Dispose();
            throw;
        }
    }

    public void Dispose() => _images.Dispose();

    private void Read(IHost host, IDataView data)
    {
        var column = new ImageColumn(_options.ImageColumnName, _options.ImageFolder, _options.RawPixels);
        var images = column.ReadFrom(data.Schema, host, nameof(data), "image", prefersFiles: true);
        var label = _options.LabelColumnName is not { } name ? (DataViewSchema.Column?)null
            : EvaluatedColumns.Find(host, data.Schema, name, "label", "Key, String or Boolean (or set LabelColumnName to null)",
                type => type is KeyDataViewType or TextDataViewType or BooleanDataViewType);
        using var cursor = data.GetRowCursor(label is { } active ? [.. images, active] : images);
        var reader = column.CreateReader(cursor, prefersFiles: true);
        var nextLabel = label is { } found ? LabelReader(cursor, found) : () => null;
        while (cursor.MoveNext())
        {
            _options.CancellationToken.ThrowIfCancellationRequested();
            host.CheckAlive();
            _images.Add(reader.Read());
            _labels.Add(nextLabel());
        }
    }

    private static Func<string?> LabelReader(DataViewRow cursor, DataViewSchema.Column column)
    {
        if (column.Type is not KeyDataViewType)
            return ValueText.Reader(cursor, column, exact: false);
        var (names, next) = (LabelKeys.Of(column).Names, LabelColumn.Reader(cursor, column));
        return () => next() is >= 0 and var key ? names[(int)key] : null;
    }

    private void FindClasses()
    {
        Classes = [.. _labels.OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        var places = Classes.Index().ToDictionary(known => known.Item, known => known.Index, StringComparer.Ordinal);
        ClassOf = [.. _labels.Select(label => label is null ? -1 : places[label])];
        _labels.Clear();
    }
}
