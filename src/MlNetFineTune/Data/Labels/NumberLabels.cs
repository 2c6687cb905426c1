using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Data;

/// <summary>A number; NaN is a missing label.</summary>
internal sealed class NumberLabels(string column) : ColumnLabels(column)
{
    public override int Strata => 1;

    public override int StratumOf(ReadOnlySpan<float> label) => 0;

    public override LabelReader Reader(IHost host, DataViewRow row)
    {
        var getter = row.GetGetter<float>(row.Schema[Column]);
        var value = 0f;
        return label =>
        {
            getter(ref value);
            if (float.IsInfinity(value))
            {
                throw host.Except(
                    $"Row {row.Position} has the label {value} in column '{Column}'; labels must be finite (NaN counts as missing).");
            }
            label[0] = value;
            return !float.IsNaN(value);
        };
    }

    protected override OtherLabels OfOtherData(IHost host, DataViewSchema.Column column) => column.Type == NumberDataViewType.Single
        ? new SameLabels(this, host)
        : throw host.ExceptSchemaMismatch("validation", "validation label", Column, "Single", column.Type.ToString());

    public override void Check(IChannel channel, float[] labels)
    {
        if (labels.All(label => label == labels[0]))
            channel.Warning($"Column '{Column}' is {labels[0]} in all {labels.Length} training rows: there is nothing to learn.");
    }
}
