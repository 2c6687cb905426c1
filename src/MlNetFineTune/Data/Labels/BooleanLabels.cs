using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Data;

/// <summary>A Boolean label, read as 1 or 0.</summary>
internal sealed class BooleanLabels(string column) : ColumnLabels(column)
{
    public override int Strata => 2;

    public override int StratumOf(ReadOnlySpan<float> label) => (int)label[0];

    public override LabelReader Reader(IHost host, DataViewRow row)
    {
        var getter = row.GetGetter<bool>(row.Schema[Column]);
        var value = false;
        return label =>
        {
            getter(ref value);
            label[0] = value ? 1 : 0;
            return true;
        };
    }

    protected override OtherLabels OfOtherData(IHost host, DataViewSchema.Column column) => column.Type == BooleanDataViewType.Instance
        ? new SameLabels(this, host)
        : throw host.ExceptSchemaMismatch("validation", "validation label", Column, "Boolean", column.Type.ToString());

    public override void Check(IChannel channel, float[] labels)
    {
        if (labels.All(label => label == labels[0]))
            throw new InvalidOperationException(
                $"Training needs rows of both kinds, but column '{Column}' is {labels[0] == 1} in all {labels.Length} training rows.");
    }
}
