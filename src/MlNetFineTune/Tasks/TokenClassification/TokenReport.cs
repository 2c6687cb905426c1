using MlNetFineTune.Data;

namespace MlNetFineTune.Tasks;

/// <summary>The report of a model that labels words: a table of the entity types, and the rows with the highest loss.</summary>
/// <param name="outputs">[N, words * labels].</param>
/// <param name="labels">[N, words].</param>
/// <param name="tags">The outputs for a word.</param>
/// <param name="maximumWords">Maximum number of words in a row.</param>
internal sealed class TokenReport(RowOutputs outputs, float[] labels, WordTags tags, int maximumWords)
{
    private const int MostMistakes = 24;
    private const int MostTags = 8;

    private readonly TokenCounts _counts = new(tags.AreEntities);

    public IReadOnlyList<ReportSection> Sections(string noun)
    {
        var rows = new List<JudgedRow>();
        for (var place = 0; place < outputs.Rows.Length; place++)
            rows.Add(Judge(place));
        foreach (var row in rows)
        {
            _counts.AddWords(row.Correct, row.Actual.Length);
            if (tags.AreEntities)
                _counts.AddEntities(tags.TagsOf(row.Actual), tags.TagsOf(row.Predicted), tags.Scheme);
        }
        return tags.AreEntities ? [Types(noun), Worst(rows, noun)] : [Words(rows, noun), Worst(rows, noun)];
    }

    private ReportSection Types(string noun)
    {
        var all = FormattableString.Invariant(
            $"F1 of all entities {_counts.Lenient.F1:0.000} by conlleval's rules, {_counts.Strict.F1:0.000} strict; ")
            + FormattableString.Invariant(
                $"{_counts.WordAccuracy:0.0 %} of {_counts.Words:N0} words in {outputs.Rows.Length:N0} {noun}s are right.");
        return new("Entities on the validation rows",
        [
            new ReportBlock.Paragraph(all),
            new ReportBlock.Table(
                ["type", "entities", "predicted", "precision", "recall", "F1"],
                [.. _counts.Lenient.OfTypes.Select(type => Cells(type.Key, type.Value.Actual, type.Value.Predicted, type.Value.Correct))]),
        ]);
    }

    private ReportSection Words(List<JudgedRow> rows, string noun)
    {
        var ofLabels = new (long Actual, long Predicted, long Correct)[tags.Count];
        foreach (var row in rows)
        {
            foreach (var (actual, predicted) in row.Actual.Zip(row.Predicted))
            {
                ofLabels[actual].Actual++;
                ofLabels[predicted].Predicted++;
                ofLabels[actual].Correct += actual == predicted ? 1 : 0;
            }
        }
        return new("Labels on the validation rows",
        [
            new ReportBlock.Paragraph(FormattableString.Invariant(
                $"{_counts.WordAccuracy:0.0 %} of {_counts.Words:N0} words in {outputs.Rows.Length:N0} {noun}s are right.")),
            new ReportBlock.Table(
                ["label", "words", "predicted", "precision", "recall", "F1"],
                [.. tags.Names.Zip(ofLabels, (name, one) => Cells(name, one.Actual, one.Predicted, one.Correct))]),
        ]);
    }

    private static IReadOnlyList<ReportCell> Cells(string name, long actual, long predicted, long correct) =>
    [
        ReportCell.Name(name), ReportCell.Number($"{actual:N0}"), ReportCell.Number($"{predicted:N0}"),
        ReportCell.Number($"{EntityCounts.Ratio(correct, predicted):0.000}"),
        ReportCell.Number($"{EntityCounts.Ratio(correct, actual):0.000}"),
        ReportCell.Number($"{EntityCounts.Ratio(2 * correct, actual + predicted):0.000}"),
    ];

    private ReportSection Worst(List<JudgedRow> rows, string noun)
    {
        var wrong = rows.Where(row => row.Correct < row.Actual.Length).ToList();
        return wrong.Count == 0
            ? new("Worst mistakes",
            [
                new ReportBlock.Paragraph(FormattableString.Invariant($"None: all words of all {rows.Count:N0} {noun}s are right.")),
            ])
            : new("Worst mistakes",
            [
                new ReportBlock.Paragraph(FormattableString.Invariant(
                    $"{wrong.Count:N0} of {rows.Count:N0} {noun}s have wrong labels. The highest sum of the words' losses comes first; ")
                    + "numbers are those of the words, from 1."),
                new ReportBlock.Examples(
                    ["missed", "invented"], [.. wrong.OrderByDescending(row => row.Loss).Take(MostMistakes).Select(Example)]),
            ]);
    }

    private ReportExample Example(JudgedRow row)
    {
        var (actual, predicted) = (SpansOf(row.Actual), SpansOf(row.Predicted));
        var (missed, invented) = (actual.Except(predicted).ToList(), predicted.Except(actual).ToList());
        return new(
            outputs.Rows[row.Place], [CellOf(missed), CellOf(invented)],
            [
                .. missed.Take(MostTags).Select(span => new ReportLine(ReportLine.Source.Data, "missed", TagOf(span))),
                .. invented.Take(MostTags).Select(span => new ReportLine(ReportLine.Source.Model, "invented", TagOf(span))),
            ]);
    }

    private static ReportCell CellOf(IEnumerable<WordSpan> spans) => new([.. spans.Take(MostTags).Select(TagOf)]);

    private static ReportTag TagOf(WordSpan span) => new(
        span.Type,
        span.End == span.First + 1
            ? FormattableString.Invariant($"{span.First + 1}") : FormattableString.Invariant($"{span.First + 1}–{span.End}"));

    // Plain labels are spans of one word.
    private List<WordSpan> SpansOf(int[] places) => tags.AreEntities
        ? EntityTags.Lenient(tags.TagsOf(places))
        : [.. places.Select((place, word) => new WordSpan(tags.Names[place], word, word + 1))];

    private JudgedRow Judge(int place)
    {
        var ofRow = labels.AsSpan(place * maximumWords, maximumWords);
        int[] actual = [.. ofRow[..TokenObjective.WordsOf(ofRow)].ToArray().Select(label => (int)label)];
        var (predicted, loss) = (new int[actual.Length], 0.0);
        for (var word = 0; word < actual.Length; word++)
        {
            var logits = outputs.Of(place).Slice(word * tags.Count, tags.Count);
            predicted[word] = IndexOfLargest(logits);
            loss += LossOf(logits, actual[word]);
        }
        return new JudgedRow(place, actual, predicted, loss);
    }

    private static int IndexOfLargest(ReadOnlySpan<float> logits)
    {
        var best = 0;
        for (var i = 1; i < logits.Length; i++)
            best = logits[i] > logits[best] ? i : best;
        return best;
    }

    private static double LossOf(ReadOnlySpan<float> logits, int actual)
    {
        var (largest, sum) = (logits[IndexOfLargest(logits)], 0.0);
        foreach (var logit in logits)
            sum += Math.Exp(logit - largest);
        return Math.Log(sum) + largest - logits[actual];
    }

    private sealed record JudgedRow(int Place, int[] Actual, int[] Predicted, double Loss)
    {
        public int Correct => Actual.Zip(Predicted).Count(pair => pair.First == pair.Second);
    }
}
