namespace MlNetFineTune.Tasks;

/// <summary>The report of a regression: predicted against actual values, and the largest errors.</summary>
internal static class RegressionReport
{
    private const int MostMistakes = 24;

    // More points cannot be distinguished at the charts' width.
    private const int MostDots = 1500;

    /// <param name="outputs">Outputs of the network for the rows that could be read.</param>
    /// <param name="labels">Labels of these rows, in their unit.</param>
    /// <param name="objective">Objective whose scores are in the labels' unit.</param>
    /// <param name="noun">What a row is called: picture, row.</param>
    public static IReadOnlyList<ReportSection> Of(RowOutputs outputs, float[] labels, Objective objective, string noun)
    {
        var scores = outputs.ScoresBy(objective);
        (double X, double Y)[] points = [.. labels.Zip(scores, (label, score) => ((double)label, (double)score))];
        var shown = points.Thin(MostDots);
        var axis = Axis.Linear(shown.SelectMany(point => (double[])[point.X, point.Y]));
        (double X, double Y)[] same = [(axis.Ticks[0], axis.Ticks[0]), (axis.Ticks[^1], axis.Ticks[^1])];
        var chart = new Chart(
            "Predicted (up) against actual", "actual", axis, axis,
            [new("equal", SeriesLook.Guide, same), new("", SeriesLook.Dots, shown)]);
        ReportBlock[] note = shown.Count == points.Length ? [] : [new ReportBlock.Paragraph(
            FormattableString.Invariant($"{shown.Count:N0} of {points.Length:N0} {noun}s, evenly chosen."), IsNote: true)];
        var largest = Enumerable.Range(0, labels.Length).OrderByDescending(place => Math.Abs(labels[place] - scores[place]));
        return
        [
            new("Validation rows", [new ReportBlock.Charts(chart), .. note]),
            new("Worst mistakes", [new ReportBlock.Examples(
                ["actual", "predicted", "error"], [.. largest.Take(MostMistakes).Select(Example)])]),
        ];

        ReportExample Example(int place)
        {
            var (label, score) = (labels[place], scores[place]);
            var error = FormattableString.Invariant($"{score - label:+0.####;-0.####;0}");
            return new(
                outputs.Rows[place],
                [ReportCell.Number($"{label:0.####}"), ReportCell.Number($"{score:0.####}"), new([new("", error)], IsNumber: true)],
                [
                    new(ReportLine.Source.Model, "predicted", new("", FormattableString.Invariant($"{score:0.####}"))),
                    new(ReportLine.Source.Data, "is", new("", FormattableString.Invariant($"{label:0.####}"))),
                    new(ReportLine.Source.Model, "error", new("", error)),
                ]);
        }
    }
}
