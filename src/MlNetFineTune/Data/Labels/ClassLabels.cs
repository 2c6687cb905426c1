using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Data;

/// <summary>A key label, read as a class index from 0.</summary>
internal sealed class ClassLabels(string column, LabelKeys keys) : ColumnLabels(column)
{
    public override int Strata => keys.Count;

    public override int StratumOf(ReadOnlySpan<float> label) => (int)label[0];

    public override LabelReader Reader(IHost host, DataViewRow row)
    {
        var next = LabelColumn.Reader(row, row.Schema[Column]);
        return label => (label[0] = next()) >= 0;
    }

    protected override OtherLabels OfOtherData(IHost host, DataViewSchema.Column column) => new LabelMatcher(host, column, keys);

    public override void Check(IChannel channel, float[] labels)
    {
        var counts = new int[keys.Count];
        foreach (var label in labels)
            counts[(int)label]++;
        var empty = keys.Names.Where((_, c) => counts[c] == 0).ToList();
        if (keys.Count - empty.Count < 2)
        {
            throw new InvalidOperationException(
                $"Training needs rows of at least two classes, but all {labels.Length} training rows are "
                + $"{SafeText.Quoted(keys.Names[(int)labels[0]])} (classes: {SafeText.Several(keys.Names)}).");
        }
        if (empty.Count > 0)
        {
            channel.Warning(
                $"No training row is {SafeText.Several(empty, quoted: true)}: the model cannot learn to recognise them.");
        }
    }
}
