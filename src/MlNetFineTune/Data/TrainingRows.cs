using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Data;

/// <summary>What a data view says about its rows, read once: labels, groups, and inputs by index.</summary>
internal sealed class TrainingRows : IDisposable
{
    internal TrainingRows(InputRows inputs, float[] labels, long[] ordinals, string[]? groups, int withoutLabel, float[]? weights = null)
    {
        Inputs = inputs;
        Contents = new RowContents(inputs);
        Labels = labels;
        Ordinals = ordinals;
        Groups = groups;
        WithoutLabel = withoutLabel;
        Weights = weights;
    }

    public InputRows Inputs { get; }

    /// <summary>What the rows hold, as hashes.</summary>
    public RowContents Contents { get; }

    /// <summary>Class of each row, from 0, or its number.</summary>
    public float[] Labels { get; }

    /// <summary>Position of each row in the data view: rows without a label are not here.</summary>
    public long[] Ordinals { get; }

    /// <summary>Rows with equal text are never parted by a split; null where all rows are alone.</summary>
    public string[]? Groups { get; }

    public int WithoutLabel { get; }

    /// <summary>How much each row counts, 0 or above; null where all count alike.</summary>
    public float[]? Weights { get; }

    public int Count => Labels.Length;

    /// <param name="host">Its temporary folder takes pictures that are not files.</param>
    /// <param name="data">Read from beginning to end, once.</param>
    /// <param name="inputs">Takes what enters the network.</param>
    /// <param name="label">The label's column.</param>
    /// <param name="readLabel">Makes the reader of the label.</param>
    /// <param name="weight">The example weight's column; null where all rows count alike.</param>
    /// <param name="groupColumn">Keeps rows together in a split.</param>
    /// <param name="cancellation">Ends the reading.</param>
    public static TrainingRows Read(IHost host, IDataView data, InputSource inputs, DataViewSchema.Column label, Func<DataViewRow, Func<float>> readLabel, DataViewSchema.Column? weight, string? groupColumn, CancellationToken cancellation)
    {
        var schema = data.Schema;
        var group = groupColumn is null ? (DataViewSchema.Column?)null : schema.GetColumnOrNull(groupColumn)
            ?? throw host.ExceptSchemaMismatch(nameof(data), "validation group", groupColumn);

        var labels = new List<float>();
        var ordinals = new List<long>();
        var groups = group is null ? null : new List<string>();
        var weights = weight is null ? null : new List<float>();
        var withoutLabel = 0;
        DataViewSchema.Column?[] columns = [label, .. inputs.ColumnsOf(host, schema), group, weight];
        var active = columns.OfType<DataViewSchema.Column>();
        using var cursor = data.GetRowCursor(active);
        var nextLabel = readLabel(cursor);
        var nextGroup = group is { } groupedBy ? ValueText.Reader(cursor, groupedBy, exact: true) : null;
        var nextWeight = weight is { } weighedBy ? WeightColumn.Reader(host, cursor, weighedBy) : null;
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
                groups?.Add(nextGroup!() ?? "");
                weights?.Add(nextWeight!());
            }
            return new TrainingRows(collector.ToRows(), [.. labels], [.. ordinals], groups is null ? null : [.. groups], withoutLabel, weights is null ? null : [.. weights]);
        }
        catch
        {
            collector.Dispose();
            throw;
        }
    }

    public void Dispose() => Inputs.Dispose();
}
