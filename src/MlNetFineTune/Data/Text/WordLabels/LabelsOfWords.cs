using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Data;

/// <summary>
/// A label for each word, read as indices of the outputs; NaN beyond the end of the row. A row without labels is not used. Other faults are
/// those of the row, which <see cref="WordLabelCheck"/> finds.
/// </summary>
/// <param name="column">Name of the column.</param>
/// <param name="tags">The outputs.</param>
/// <param name="maximumWords">Maximum number of words in a row.</param>
internal sealed class LabelsOfWords(string column, WordTags tags, int maximumWords) : ColumnLabels(column)
{
    private const int MostNamed = 50;

    public override int Width => maximumWords;

    public override int Strata => 1;

    public override int StratumOf(ReadOnlySpan<float> label) => 0;

    public override LabelReader Reader(IHost host, DataViewRow row) =>
        ReaderOf(LabelTexts.Reader(row, row.Schema[Column]), _ => { });

    public override void Check(IChannel channel, float[] labels)
    {
        var counts = new long[tags.Count];
        foreach (var label in labels)
        {
            if (!float.IsNaN(label))
                counts[(int)label]++;
        }
        if (counts.Count(count => count > 0) < 2)
        {
            throw new InvalidOperationException(
                $"Training needs words of at least two labels, but column '{Column}' has "
                + (counts.Sum() == 0 ? "none." : $"only {SafeText.Quoted(tags.Names[Array.FindIndex(counts, count => count > 0)])}."));
        }
        string[] missing = [.. tags.Names.Where((name, place) => counts[place] == 0 && !MayBeMissing(name))];
        if (missing.Length > 0)
            channel.Warning($"No training word is {SafeText.Several(missing, quoted: true)}: the model cannot learn to recognise it.");
    }

    protected override OtherLabels OfOtherData(IHost host, DataViewSchema.Column other) => LabelTexts.IsExpected(other.Type)
        ? new Others(this, host, other)
        : throw host.ExceptSchemaMismatch("validation", "validation label", Column, LabelTexts.Expected, other.Type.ToString());

    // Types whose entities have one word each, or never follow each other.
    private bool MayBeMissing(string name) => tags.Scheme switch
    {
        LabelScheme.Iob1 => name.StartsWith("B-", StringComparison.Ordinal),
        LabelScheme.Iob2 => name.StartsWith("I-", StringComparison.Ordinal),
        _ => false,
    };

    private LabelReader ReaderOf(Func<string?[]> next, Action<string> onUnknown) => label =>
    {
        var texts = next();
        label.Fill(float.NaN);
        var places = tags.PlacesOf(texts);
        for (var word = 0; word < places.Length; word++)
        {
            if (places[word] < 0 && texts[word] is { } text)
                onUnknown(text);
            if (word < label.Length)
                label[word] = places[word] < 0 ? float.NaN : places[word];
        }
        return texts.Length > 0;
    };

    private sealed class Others(LabelsOfWords labels, IHost host, DataViewSchema.Column column) : OtherLabels
    {
        private readonly SortedSet<string> _unknown = new(StringComparer.Ordinal);

        public override LabelReader Reader(DataViewRow row) =>
            labels.ReaderOf(LabelTexts.Reader(row, column), unknown => _unknown.Add(unknown));

        public override void Finish(IChannel channel)
        {
            if (_unknown.Count > 0)
            {
                throw host.Except(
                    $"The validation data have labels that the training data do not know: "
                    + $"{SafeText.Several([.. _unknown.Take(MostNamed)], quoted: true)}. They know: {SafeText.Several(labels.Names)}.");
            }
        }
    }

    private IReadOnlyList<string> Names => tags.Names;
}
