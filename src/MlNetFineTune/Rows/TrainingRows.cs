using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Rows;

/// <summary>What a data view says about its rows, read once: labels, groups, and pictures by index.</summary>
internal sealed class TrainingRows : IDisposable
{
    internal TrainingRows(ImageRows images, int[] labels, long[] ordinals, string[]? groups, int withoutLabel)
    {
        Images = images;
        Labels = labels;
        Ordinals = ordinals;
        Groups = groups;
        WithoutLabel = withoutLabel;
    }

    public ImageRows Images { get; }

    /// <summary>Class of each row, from 0.</summary>
    public int[] Labels { get; }

    /// <summary>Position of each row in the data view: rows without a label are not here.</summary>
    public long[] Ordinals { get; }

    /// <summary>Rows with equal text are never parted by a split; null where all rows are alone.</summary>
    public string[]? Groups { get; }

    public int WithoutLabel { get; }

    public int Count => Labels.Length;

    /// <param name="host">Its temporary folder takes pictures that are not files.</param>
    /// <param name="data">Read from beginning to end, once.</param>
    /// <param name="columns">Which columns.</param>
    /// <param name="readLabel">Reads the class of a row from whatever type the label has.</param>
    /// <param name="groupColumn">Keeps rows together in a split.</param>
    /// <param name="cancellation">Ends the reading.</param>
    public static TrainingRows Read(IHost host, IDataView data, ImageColumns columns, Func<DataViewRow, DataViewSchema.Column, Func<int>> readLabel, string? groupColumn, CancellationToken cancellation)
    {
        var schema = data.Schema;
        var label = schema[columns.Label];
        var image = columns.Image.In(schema, host, nameof(data), "image");
        var group = groupColumn is null ? (DataViewSchema.Column?)null : schema.GetColumnOrNull(groupColumn)
            ?? throw host.ExceptSchemaMismatch(nameof(data), "validation group", groupColumn);

        var labels = new List<int>();
        var ordinals = new List<long>();
        var groups = group is null ? null : new List<string>();
        var withoutLabel = 0;
        DataViewSchema.Column[] active = group is { } g ? [label, image, g] : [label, image];
        using var cursor = data.GetRowCursor(active);
        var nextLabel = readLabel(cursor, label);
        var nextGroup = group is { } groupedBy ? TextColumn.Reader(host, cursor, groupedBy) : null;
        var reader = columns.Image.CreateReader(cursor, image);
        var images = new StoredRows(Contexts.TemporaryFolder(host));
        try
        {
            for (long ordinal = 0; cursor.MoveNext(); ordinal++)
            {
                cancellation.ThrowIfCancellationRequested();
                host.CheckAlive();
                var value = nextLabel();
                if (value < 0)
                {
                    withoutLabel++;
                    continue;
                }
                images.Add(reader.Read());
                labels.Add(value);
                ordinals.Add(ordinal);
                groups?.Add(nextGroup!());
            }
            return new TrainingRows(images, [.. labels], [.. ordinals], groups is null ? null : [.. groups], withoutLabel);
        }
        catch
        {
            images.Dispose();
            throw;
        }
    }

    public void Dispose() => Images.Dispose();
}
