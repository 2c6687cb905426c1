using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;

namespace MlNetFineTune.Tasks;

/// <summary>
/// Multi-label labels: 1 or 0 for each label. No row's label is missing (see <see cref="LabelSetColumn"/>), and a split is stratified by
/// all labels.
/// </summary>
/// <param name="column">A vector of Boolean, or of keys.</param>
/// <param name="names">Names of the labels, in the order of the numbers.</param>
internal sealed class LabelSets(string column, IReadOnlyList<string> names) : ColumnLabels(column)
{
    public override int Width => names.Count;

    // Rows belong to several strata, which Split handles.
    public override int Strata => 1;

    public override int StratumOf(ReadOnlySpan<float> label) => 0;

    public override (int[] Training, int[] Validation) Split(LabeledData rows, float share, long seed) =>
        IterativeStratification.Split(Of(rows.Labels), names.Count, rows.Groups, share, seed);

    public override LabelReader Reader(IHost host, DataViewRow row) =>
        ReaderOf(LabelSetColumn.Find(host, row.Schema, Column, names, names.Count), row);

    /// <summary>Converts the numbers to Booleans.</summary>
    public static bool[] Of(float[] labels) => Array.ConvertAll(labels, label => label > 0.5f);

    protected override OtherLabels OfOtherData(IHost host, DataViewSchema.Column column) =>
        new Others(LabelSetColumn.Of(host, column, names, names.Count, LabelSetColumn.Purpose.Validation));

    public override void Check(IChannel channel, float[] labels)
    {
        var rows = labels.Length / names.Count;
        var counts = new int[names.Count];
        for (var i = 0; i < labels.Length; i++)
            counts[i % names.Count] += labels[i] > 0.5f ? 1 : 0;
        if (counts.All(count => count == 0 || count == rows))
        {
            throw new InvalidOperationException(
                $"There is nothing to learn: "
                + $"each of the labels in column '{Column}' ({SafeText.Several(names)}) is there in none or in all "
                + $"of the {rows} training rows.");
        }
        Warn(count => count == 0, "No training row has");
        Warn(count => count == rows, "Every training row has");

        void Warn(Func<int, bool> isSuch, string beginning)
        {
            string[] such = [.. names.Where((_, label) => isSuch(counts[label]))];
            if (such.Length > 0)
                channel.Warning($"{beginning} {SafeText.Several(such)}: the model cannot learn when such a label is there.");
        }
    }

    private static LabelReader ReaderOf(LabelSetColumn labels, DataViewRow row)
    {
        var fill = labels.Reader(row);
        var isThere = new bool[labels.Names.Count];
        return numbers =>
        {
            fill(isThere);
            for (var label = 0; label < isThere.Length; label++)
                numbers[label] = isThere[label] ? 1 : 0;
            return true;
        };
    }

    private sealed class Others(LabelSetColumn labels) : OtherLabels
    {
        public override LabelReader Reader(DataViewRow row) => ReaderOf(labels, row);
    }
}
