using MlNetFineTune.Tasks;

namespace MlNetFineTune.Reporting;

/// <summary>
/// The report's section for multi-label data: a table of the labels, precision-recall curves and the errors with the highest loss.
/// </summary>
internal static class LabelSetPage
{
    private const int MostLabels = 200;
    private const int MostCurves = 6;
    private const int MostPoints = 400;
    private const int MostTags = 8;

    public static Markup Of(JudgedLabelSets judged) => $"{Table(judged)}{Curves(judged)}{Mistakes(judged)}";

    private static Markup Table(JudgedLabelSets judged)
    {
        string[] headings = ["label", $"{judged.Noun}s that have it", "average precision", "F1", "threshold"];
        var more = judged.Labels.Count > MostLabels
            ? (Markup)$"""<p class="note">The first {MostLabels} of {judged.Labels.Count:N0} labels.</p>"""
            : Markup.None;
        return $"""
            <section><h2>Labels on the validation rows</h2>
            <p>Precision and F1 are of {judged.Rows:N0} {judged.Noun}s; F1 is that of the predicted labels, at the threshold.</p>
            <div class="wide"><table><thead><tr>{headings.Select(Heading)}</tr></thead>
            <tbody>{judged.Labels.Take(MostLabels).Select(Row)}</tbody></table></div>{more}</section>
            """;

        static Markup Row(JudgedLabel label) => $"""
            <tr><td><bdi>{label.Name}</bdi></td><td class="number">{label.Support:N0}</td>
            <td class="number">{Number(label.AveragePrecision)}</td><td class="number">{Number(label.F1)}</td>
            <td class="number">{label.Threshold:0.###}</td></tr>

            """;
    }

    private static Markup Curves(JudgedLabelSets judged)
    {
        var withRows = judged.Labels.Where(label => label.Support > 0).ToList();
        if (withRows.Count == 0)
            return Markup.None;
        var note = withRows.Count > MostCurves
            ? (Markup)$"""<p class="note">The {MostCurves} labels of the lowest average precision.</p>"""
            : Markup.None;
        var shown = withRows.OrderBy(label => label.AveragePrecision).Take(MostCurves);
        return $"""
            <section><h2>Precision (up) against recall</h2>
            <div class="charts">{shown.Select(label => SvgChart.Of(CurveOf(label)))}</div>{note}</section>
            """;
    }

    // The dot marks the threshold; the dashed line is the precision of random scores: the label's share of the rows.
    private static Chart CurveOf(JudgedLabel label)
    {
        var (cuts, positives) = (label.Ranking.Cuts, label.Ranking.Positives);
        (double X, double Y)[] points = [.. cuts.Select(cut => (cut.TruePositives / positives, PrecisionOf(cut)))];
        var last = cuts.TakeWhile(cut => cut.Score > label.Threshold).Count() - 1;
        var share = positives / (positives + label.Ranking.Negatives);
        var axis = Axis.Linear([0, 1]);
        return new Chart(SafeText.Of(label.Name), "recall", axis, axis,
        [
            new("chance", SeriesLook.Guide, [(0, share), (1, share)]),
            new("", SeriesLook.Faint, Thin(points)),
            .. last < 0 ? [] : (Series[])[new("threshold", SeriesLook.First, [points[last]])],
        ]);
    }

    private static double PrecisionOf(ScoreCut cut) => cut.TruePositives / (cut.TruePositives + cut.FalsePositives);

    private static (double X, double Y)[] Thin((double X, double Y)[] points) => points.Length <= MostPoints
        ? points
        : [.. Enumerable.Range(0, MostPoints).Select(i => points[(int)((long)i * (points.Length - 1) / (MostPoints - 1))])];

    private static Markup Mistakes(JudgedLabelSets judged)
    {
        var summary = judged.WrongRows == 0
            ? (Markup)$"None: all labels of all {judged.Rows:N0} {judged.Noun}s are right."
            : $"""
                {judged.WrongRows:N0} of {judged.Rows:N0} {judged.Noun}s have wrong labels. The lowest probability of the truth comes first.
                """;
        var list = judged.Worst.Count == 0 ? Markup.None
            : judged.Worst.Any(mistake => mistake.Picture is not null) ? (Markup)$"""<ul class="cards">{judged.Worst.Select(Card)}</ul>"""
            : $"""
                <div class="wide"><table><thead><tr>{((string[])["row", "missed", "invented"]).Select(Heading)}</tr></thead>
                <tbody>{judged.Worst.Select(Row)}</tbody></table></div>
                """;
        return $"""
            <section><h2>Worst mistakes</h2>
            <p>{summary}</p>
            {list}</section>
            """;
    }

    private static Markup Card(LabelSetMistake mistake)
    {
        Markup picture = mistake.Picture is { } uri ? $"""<img src="{uri}" alt="" width="128" height="128">""" : Markup.None;
        return $"""
            <li>{picture}
            <div class="verdict">
            {mistake.Missed.Take(MostTags).Select(tag => Tag("truth", "missed", tag))}
            {mistake.Invented.Take(MostTags).Select(tag => Tag("said", "invented", tag))}
            <span class="where" title="{mistake.Where}"><bdi>{mistake.Where}</bdi></span></div></li>

            """;

        static Markup Tag(string look, string what, (string Label, float Probability) tag) =>
            $"""<span class="{look}">{what} <bdi>{tag.Label}</bdi> <b>{tag.Probability * 100:0.#} %</b></span>""";
    }

    private static Markup Row(LabelSetMistake mistake)
    {
        return $"""
            <tr><td><bdi>{mistake.Where}</bdi></td><td>{Tags(mistake.Missed)}</td><td>{Tags(mistake.Invented)}</td></tr>

            """;

        static Markup Tags(IReadOnlyList<(string Label, float Probability)> tags) => $"{tags.Take(MostTags).Select(Tag)}";

        static Markup Tag((string Label, float Probability) tag, int place) =>
            $"{(place > 0 ? ", " : "")}<bdi>{tag.Label}</bdi> {tag.Probability:0.00}";
    }

    private static Markup Heading(string name) => $"""<th scope="col">{name}</th>""";

    private static string Number(double value) => double.IsNaN(value) ? "–" : FormattableString.Invariant($"{value:0.000}");
}
