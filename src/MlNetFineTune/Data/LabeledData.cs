using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Data;

/// <summary>The content of a data view, read once: labels, weights, groups, and inputs by index.</summary>
internal sealed class LabeledData : IDisposable
{
    private readonly float[] _labels;
    private readonly int _labelOffset;
    private readonly int _labelStride;

    /// <param name="inputs">Inputs of the network. Disposed with this.</param>
    /// <param name="labels">Labels of all rows, <paramref name="labelWidth"/> numbers each.</param>
    /// <param name="ordinals">Position of each row in the data view.</param>
    /// <param name="groups">A text for each row; null without groups.</param>
    /// <param name="withoutLabel">Number of rows left out because they have no label.</param>
    /// <param name="weights">Weight of each row; null if all are 1.</param>
    /// <param name="labelWidth">Numbers per label.</param>
    internal LabeledData(
        Dataset inputs, float[] labels, long[] ordinals, string[]? groups, int withoutLabel, float[]? weights = null, int labelWidth = 1)
    {
        Inputs = inputs;
        Contents = new RowContents(inputs);
        _labels = labels;
        _labelStride = LabelWidth = labelWidth;
        Ordinals = ordinals;
        Groups = groups;
        WithoutLabel = withoutLabel;
        Weights = weights;
    }

    private LabeledData(LabeledData source, int labelOffset, int labelWidth)
    {
        (Inputs, Contents, Ordinals, Groups) = (source.Inputs, source.Contents, source.Ordinals, source.Groups);
        (WithoutLabel, Weights) = (source.WithoutLabel, source.Weights);
        (_labels, _labelOffset, _labelStride) = (source._labels, source._labelOffset + labelOffset, source._labelStride);
        LabelWidth = labelWidth;
    }

    public Dataset Inputs { get; }

    /// <summary>Content hashes of the rows.</summary>
    public RowContents Contents { get; }

    /// <summary>The labels of all rows, <see cref="LabelWidth"/> numbers each: a class from 0, or numbers.</summary>
    public float[] Labels => _labelStride == LabelWidth
        ? _labels
        : [.. Enumerable.Range(0, Count).SelectMany(row => LabelOf(row).ToArray())];

    /// <summary>Numbers per label.</summary>
    public int LabelWidth { get; }

    /// <summary>Position of each row in the data view; rows without a label are skipped.</summary>
    public long[] Ordinals { get; }

    /// <summary>Rows with equal text stay together in a split; null without groups.</summary>
    public string[]? Groups { get; }

    public int WithoutLabel { get; }

    /// <summary>Weight of each row, at least 0; null if all are 1.</summary>
    public float[]? Weights { get; }

    public int Count => Ordinals.Length;

    public ReadOnlySpan<float> LabelOf(int row) => _labels.AsSpan(row * _labelStride + _labelOffset, LabelWidth);

    /// <summary>The same rows with a part of each label; nothing is copied.</summary>
    /// <param name="offset">Index of the first number of the part.</param>
    /// <param name="width">Length of the part.</param>
    /// <returns>A view that shares the inputs of this object and need not be disposed.</returns>
    public LabeledData WithPartOfLabels(int offset, int width) => new(this, offset, width);

    /// <param name="host">The host, whose temporary folder receives pictures that are not files.</param>
    /// <param name="data">The data, read once.</param>
    /// <param name="inputs">The network's input.</param>
    /// <param name="labels">The label's columns and width.</param>
    /// <param name="readLabel">Creates the reader of the label.</param>
    /// <param name="weight">The column of example weights; null without weights.</param>
    /// <param name="groupColumn">The column whose equal values keep rows together in a split.</param>
    /// <param name="cancellation">Cancels the reading.</param>
    public static LabeledData Read(
        IHost host, IDataView data, ModelInput inputs, LabelSource labels, Func<DataViewRow, LabelReader> readLabel,
        DataViewSchema.Column? weight, string? groupColumn, CancellationToken cancellation)
    {
        var schema = data.Schema;
        var group = groupColumn is null ? (DataViewSchema.Column?)null : schema.GetColumnOrNull(groupColumn)
            ?? throw host.ExceptSchemaMismatch(nameof(data), "validation group", groupColumn);

        var values = new List<float>();
        var value = new float[labels.Width];
        var ordinals = new List<long>();
        var groups = group is null ? null : new List<string>();
        var weights = weight is null ? null : new List<float>();
        var withoutLabel = 0;
        DataViewSchema.Column?[] columns =
            [.. labels.Columns.Select(name => schema[name]), .. inputs.ColumnsOf(host, schema), group, weight];
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
                if (!nextLabel(value))
                {
                    withoutLabel++;
                    continue;
                }
                collector.Collect();
                values.AddRange(value);
                ordinals.Add(ordinal);
                groups?.Add(nextGroup!() ?? "");
                weights?.Add(nextWeight!());
            }
            return new LabeledData(
                collector.ToRows(), [.. values], [.. ordinals], groups is null ? null : [.. groups], withoutLabel,
                weights is null ? null : [.. weights], labels.Width);
        }
        catch
        {
            collector.Dispose();
            throw;
        }
    }

    public void Dispose() => Inputs.Dispose();
}
