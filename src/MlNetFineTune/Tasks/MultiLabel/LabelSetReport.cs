namespace MlNetFineTune.Tasks;

/// <summary>
/// The report of a multi-label model: a table of the labels, precision-recall curves, and the rows with the highest loss.
/// </summary>
internal sealed class LabelSetReport
{
    private const int MostLabels = 200;
    private const int MostCurves = 6;
    private const int MostTags = 8;
    private const int MostMistakes = 24;

    private readonly RowOutputs _outputs;
    private readonly IReadOnlyList<string> _names;
    private readonly string _noun;
    private readonly float[] _scores; // [N * labels]
    private readonly bool[] _isThere;
    private readonly bool[] _predicted;
    private readonly IReadOnlyList<JudgedLabel> _labels;

    private LabelSetReport(
        RowOutputs outputs, float[] labels, Objective objective, IReadOnlyList<string> names, IReadOnlyList<float> thresholds, string noun)
    {
        (_outputs, _names, _noun) = (outputs, names, noun);
        _scores = outputs.ScoresBy(objective);
        _isThere = LabelSets.Of(labels);
        _predicted = [.. _scores.Select((score, at) => score > thresholds[at % names.Count])];
        var counts = new MultiLabelCounts(names.Count);
        for (var place = 0; place < outputs.Rows.Length; place++)
            counts.Add(Of(_isThere, place), Of(_predicted, place));
        var f1 = counts.PerLabelF1;
        _labels = [.. names.Select((name, label) => Judge(name, label, f1[label], thresholds[label]))];
    }

    /// <param name="outputs">Outputs of the network for the rows that could be read.</param>
    /// <param name="labels">Labels of these rows: 1 or 0 for each label.</param>
    /// <param name="objective">Objective whose scores are the probabilities of the labels.</param>
    /// <param name="names">Names of the labels.</param>
    /// <param name="thresholds">Probabilities above which a row has each label.</param>
    /// <param name="noun">What a row is called: picture, row.</param>
    public static IReadOnlyList<ReportSection> Of(
        RowOutputs outputs, float[] labels, Objective objective, IReadOnlyList<string> names, IReadOnlyList<float> thresholds, string noun)
    {
        var report = new LabelSetReport(outputs, labels, objective, names, thresholds, noun);
        return [report.Table(), .. report.Curves(), new("Worst mistakes", report.Mistakes())];
    }

    private ReportSection Table()
    {
        ReportBlock[] more = _labels.Count <= MostLabels ? [] : [new ReportBlock.Paragraph(
            FormattableString.Invariant($"The first {MostLabels} of {_labels.Count:N0} labels."), IsNote: true)];
        return new("Labels on the validation rows",
        [
            new ReportBlock.Paragraph(FormattableString.Invariant(
                $"Precision and F1 are of {_outputs.Rows.Length:N0} {_noun}s; F1 is that of the predicted labels, at the threshold.")),
            new ReportBlock.Table(
                ["label", $"{_noun}s that have it", "average precision", "F1", "threshold"], [.. _labels.Take(MostLabels).Select(Row)]),
            .. more,
        ]);

        static IReadOnlyList<ReportCell> Row(JudgedLabel label) =>
        [
            ReportCell.Name(label.Name), ReportCell.Number($"{label.Support:N0}"), Ratio(label.AveragePrecision), Ratio(label.F1),
            ReportCell.Number($"{label.Threshold:0.###}"),
        ];

        static ReportCell Ratio(double value) => double.IsNaN(value) ? ReportCell.Number($"–") : ReportCell.Number($"{value:0.000}");
    }

    private IReadOnlyList<ReportSection> Curves()
    {
        var withRows = _labels.Where(label => label.Support > 0).ToList();
        if (withRows.Count == 0)
            return [];
        ReportBlock[] note = withRows.Count <= MostCurves ? [] : [new ReportBlock.Paragraph(
            FormattableString.Invariant($"The {MostCurves} labels of the lowest average precision."), IsNote: true)];
        Chart[] shown = [.. withRows.OrderBy(label => label.AveragePrecision).Take(MostCurves).Select(CurveOf)];
        return [new("Precision (up) against recall", [new ReportBlock.Charts(shown), .. note])];
    }

    // The dot marks the threshold; the dashed line is the precision of random scores: the label's share of the rows.
    private static Chart CurveOf(JudgedLabel label)
    {
        var (cuts, positives) = (label.Ranking.Cuts, label.Ranking.Positives);
        var points = RankingCurves.PrecisionRecall(label.Ranking);
        var last = cuts.TakeWhile(cut => cut.Score > label.Threshold).Count() - 1;
        return RankingCharts.PrecisionRecall(SafeText.Of(label.Name), positives / (positives + label.Ranking.Negatives),
        [
            RankingCharts.Curve("", SeriesLook.Faint, points),
            .. last < 0 ? [] : (Series[])[new("threshold", SeriesLook.First, [points[last]])],
        ]);
    }

    private IReadOnlyList<ReportBlock> Mistakes()
    {
        var all = _outputs.Rows.Length;
        int[] wrong = [.. Enumerable.Range(0, all).Where(place => !Of(_isThere, place).SequenceEqual(Of(_predicted, place)))];
        if (wrong.Length == 0)
        {
            return [new ReportBlock.Paragraph(
                FormattableString.Invariant($"None: all labels of all {all:N0} {_noun}s are right."))];
        }
        return
        [
            new ReportBlock.Paragraph(FormattableString.Invariant(
                $"{wrong.Length:N0} of {all:N0} {_noun}s have wrong labels. The lowest probability of the truth comes first.")),
            new ReportBlock.Examples(
                ["missed", "invented"], [.. wrong.OrderByDescending(SurpriseOf).Take(MostMistakes).Select(Example)]),
        ];
    }

    // The negative log probability of the true value: the unweighted loss.
    private double SurpriseOf(int place)
    {
        var sum = 0.0;
        for (var at = place * _names.Count; at < (place + 1) * _names.Count; at++)
            sum -= Math.Log(Math.Max(_isThere[at] ? _scores[at] : 1 - _scores[at], 1e-12));
        return sum;
    }

    private ReportExample Example(int place)
    {
        var (missed, invented) = (new List<(string Name, float Probability)>(), new List<(string Name, float Probability)>());
        for (var label = 0; label < _names.Count; label++)
        {
            var at = place * _names.Count + label;
            if (_isThere[at] != _predicted[at])
                (_isThere[at] ? missed : invented).Add((_names[label], _scores[at]));
        }
        return new(
            _outputs.Rows[place], [CellOf(missed), CellOf(invented)],
            [
                .. missed.Take(MostTags).Select(tag => LineOf(ReportLine.Source.Data, "missed", tag)),
                .. invented.Take(MostTags).Select(tag => LineOf(ReportLine.Source.Model, "invented", tag)),
            ]);

        static ReportCell CellOf(IEnumerable<(string Name, float Probability)> tags) => new(
            [.. tags.Take(MostTags).Select(tag => new ReportTag(tag.Name, FormattableString.Invariant($"{tag.Probability:0.00}")))]);

        static ReportLine LineOf(ReportLine.Source kind, string what, (string Name, float Probability) tag) =>
            new(kind, what, new(tag.Name, FormattableString.Invariant($"{tag.Probability * 100:0.#} %")));
    }

    private JudgedLabel Judge(string name, int label, double f1, float threshold)
    {
        var rows = Enumerable.Range(0, _outputs.Rows.Length).Select(place => place * _names.Count + label).ToList();
        bool[] isThere = [.. rows.Select(at => _isThere[at])];
        var ranking = ScoreRanking.Of([.. rows.Select(at => _scores[at])], isThere);
        return new(name, isThere.Count(has => has), RankingMetrics.AveragePrecision(ranking), f1, threshold, ranking);
    }

    private ReadOnlySpan<bool> Of(bool[] ofAll, int place) => ofAll.AsSpan(place * _names.Count, _names.Count);

    /// <summary>Results for one label.</summary>
    /// <param name="Name">Name of the label.</param>
    /// <param name="Support">Number of rows that have it.</param>
    /// <param name="AveragePrecision">Average precision; NaN if no row has it.</param>
    /// <param name="F1">F1 score at the threshold.</param>
    /// <param name="Threshold">Probability above which the label is predicted.</param>
    /// <param name="Ranking">The rows ranked by its score.</param>
    private sealed record JudgedLabel(
        string Name, int Support, double AveragePrecision, double F1, float Threshold, ScoreRanking Ranking);
}
