using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Rows;

/// <summary>What a data view says about its rows, read once: labels, groups, and inputs by index.</summary>
internal sealed class TrainingRows : IDisposable
{
    internal TrainingRows(InputRows inputs, float[] labels, long[] ordinals, string[]? groups, int withoutLabel)
    {
        Inputs = inputs;
        Labels = labels;
        Ordinals = ordinals;
        Groups = groups;
        WithoutLabel = withoutLabel;
    }

    public InputRows Inputs { get; }

    /// <summary>Class of each row, from 0, or its number.</summary>
    public float[] Labels { get; }

    /// <summary>Position of each row in the data view: rows without a label are not here.</summary>
    public long[] Ordinals { get; }

    /// <summary>Rows with equal text are never parted by a split; null where all rows are alone.</summary>
    public string[]? Groups { get; }

    public int WithoutLabel { get; }

    public int Count => Labels.Length;

    /// <param name="host">Its temporary folder takes pictures that are not files.</param>
    /// <param name="data">Read from beginning to end, once.</param>
    /// <param name="inputs">Takes what enters the network.</param>
    /// <param name="label">The label's column.</param>
    /// <param name="readLabel">Makes the reader of the label.</param>
    /// <param name="groupColumn">Keeps rows together in a split.</param>
    /// <param name="cancellation">Ends the reading.</param>
    public static TrainingRows Read(IHost host, IDataView data, InputSource inputs, DataViewSchema.Column label, Func<IHost, DataViewRow, Func<float>> readLabel, string? groupColumn, CancellationToken cancellation)
    {
        var schema = data.Schema;
        var group = groupColumn is null ? (DataViewSchema.Column?)null : schema.GetColumnOrNull(groupColumn)
            ?? throw host.ExceptSchemaMismatch(nameof(data), "validation group", groupColumn);

        var labels = new List<float>();
        var ordinals = new List<long>();
        var groups = group is null ? null : new List<string>();
        var withoutLabel = 0;
        DataViewSchema.Column[] active = group is { } g ? [label, .. inputs.ColumnsOf(host, schema), g] : [label, .. inputs.ColumnsOf(host, schema)];
        using var cursor = data.GetRowCursor(active);
        var nextLabel = readLabel(host, cursor);
        var nextGroup = group is { } groupedBy ? TextColumn.Reader(host, cursor, groupedBy) : null;
        var collector = inputs.Collect(host, cursor);
        try
        {
            for (long ordinal = 0; cursor.MoveNext(); ordinal++)
            {
                cancellation.ThrowIfCancellationRequested();
                host.CheckAlive();
                var value = nextLabel();
                if (float.IsNaN(value))
                {
                    withoutLabel++;
                    continue;
                }
                collector.Collect();
                labels.Add(value);
                ordinals.Add(ordinal);
                groups?.Add(nextGroup!());
            }
            return new TrainingRows(collector.ToRows(), [.. labels], [.. ordinals], groups is null ? null : [.. groups], withoutLabel);
        }
        catch
        {
            collector.Dispose();
            throw;
        }
    }

    public void Dispose() => Inputs.Dispose();
}
