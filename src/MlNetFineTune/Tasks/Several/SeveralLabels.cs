using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;

namespace MlNetFineTune.Tasks;

/// <summary>The concatenated labels of several heads; NaN for a missing label. A row without any of them has no label.</summary>
internal sealed class SeveralLabels : LabelSource
{
    private readonly IReadOnlyList<LabelSource> _heads;
    private readonly LabelSource? _strata;
    private readonly int _offset;

    /// <param name="heads">Labels of the heads, in order.</param>
    public SeveralLabels(IReadOnlyList<LabelSource> heads)
    {
        _heads = heads;
        _strata = heads.FirstOrDefault(head => head.Strata > 1); // a split is stratified by the first head with classes
        _offset = heads.TakeWhile(head => head != _strata).Sum(head => head.Width);
    }

    public override IReadOnlyList<string> Columns => [.. _heads.SelectMany(head => head.Columns)];

    public override int Width => _heads.Sum(head => head.Width);

    // Rows without this label form the last stratum.
    public override int Strata => _strata is null ? 1 : _strata.Strata + 1;

    public override int StratumOf(ReadOnlySpan<float> label) => _strata is null ? 0
        : float.IsNaN(label[_offset]) ? _strata.Strata
        : _strata.StratumOf(label.Slice(_offset, _strata.Width));

    public override LabelReader Reader(IHost host, DataViewRow row) =>
        Joined([.. _heads.Select(head => (head.Width, head.Reader(host, row)))]);

    public override OtherLabels OfOtherData(IHost host, DataViewSchema schema) =>
        new Others([.. _heads.Select(head => (head.Width, head.OfOtherData(host, schema)))]);

    public override void Check(IChannel channel, float[] labels)
    {
        foreach (var (head, part) in _heads.Zip(HeadLabels.Split(labels, [.. _heads.Select(head => head.Width)])))
        {
            if (part.Places.Length == 0)
                throw new InvalidOperationException($"No training row has a label in column '{string.Join("', '", head.Columns)}'.");
            head.Check(channel, part.Labels);
        }
    }

    private static LabelReader Joined((int Width, LabelReader Read)[] readers) => label =>
    {
        var any = false;
        foreach (var (width, read) in readers)
        {
            if (read(label[..width]))
                any = true;
            else
                label[..width].Fill(float.NaN);
            label = label[width..];
        }
        return any;
    };

    private sealed class Others((int Width, OtherLabels Labels)[] heads) : OtherLabels
    {
        public override LabelReader Reader(DataViewRow row) => Joined([.. heads.Select(head => (head.Width, head.Labels.Reader(row)))]);

        public override void Finish(IChannel channel)
        {
            foreach (var (_, labels) in heads)
                labels.Finish(channel);
        }
    }
}
