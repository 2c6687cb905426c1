using MlNetFineTune.Tasks;

namespace MlNetFineTune.Reporting;

/// <summary>
/// The confusion matrix as a table with a row for each true class or, if there are many classes, a list of the most confused pairs.
/// </summary>
internal static class ConfusionTable
{
    private const int MostClasses = 20;
    private const int MostPairs = 25;

    public static Markup Of(ReportBlock.Confusion block)
    {
        var classes = block.Classes;
        var counts = block.Rows.CountBy(row => row).ToDictionary();
        var ofLabel = block.Rows.CountBy(row => row.Label).ToDictionary();
        return classes.Count <= MostClasses ? Table(counts, ofLabel, classes) : Pairs(counts, ofLabel, classes);
    }

    private static Markup Table(Dictionary<(int Label, int Predicted), int> counts, Dictionary<int, int> ofLabel,
        IReadOnlyList<string> classes)
    {
        var all = Enumerable.Range(0, classes.Count).ToList();
        Markup headings = $"""<th scope="col">true, then predicted</th>{all.Select(Heading)}<th scope="col" class="sum">recall</th>""";
        return $"""
            <div class="wide"><table class="confusion"><thead><tr>{headings}</tr></thead>
            <tbody>{all.Select(Row)}
            <tr class="sum"><th scope="row">precision</th>{all.Select(Precision)}<td></td></tr></tbody></table></div>
            """;

        Markup Heading(int c) => $"""<th scope="col"><bdi title="{classes[c]}">{Short(classes[c])}</bdi></th>""";

        Markup Row(int label)
        {
            var cells = all.Select(predicted => Cell(label, predicted));
            var recall = Percent(At(label, label), ofLabel.GetValueOrDefault(label));
            var name = classes[label];
            return $"""
                <tr><th scope="row"><bdi title="{name}">{Short(name)}</bdi></th>{cells}<td class="sum">{recall}</td></tr>

                """;
        }

        Markup Cell(int label, int predicted)
        {
            var count = At(label, predicted);
            var share = count / (double)Math.Max(ofLabel.GetValueOrDefault(label), 1);
            var name = count == 0 ? "none" : label == predicted ? "right" : "wrong";
            var title = $"{classes[label]} taken for {classes[predicted]}: {count}";
            return $"""<td class="{name}" style="--share:{share:0.###}" title="{title}">{count}</td>""";
        }

        Markup Precision(int predicted) => $"<td>{Percent(At(predicted, predicted), all.Sum(label => At(label, predicted)))}</td>";

        int At(int label, int predicted) => counts.GetValueOrDefault((label, predicted));
    }

    private static Markup Pairs(Dictionary<(int Label, int Predicted), int> counts, Dictionary<int, int> ofLabel,
        IReadOnlyList<string> classes)
    {
        var wrong = counts.Where(pair => pair.Key.Label != pair.Key.Predicted).OrderByDescending(pair => pair.Value)
            .ThenBy(pair => pair.Key).ToList();
        var (rows, errors) = (ofLabel.Values.Sum(), wrong.Sum(pair => pair.Value));
        string[] headings = ["true", "predicted", "rows", "of the true class"];
        return $"""
            <p>{classes.Count} classes; of {rows:N0} rows {errors:N0} are wrong. The pairs that are confused most:</p>
            <div class="wide"><table><thead><tr>{headings.Select(Heading)}</tr></thead>
            <tbody>{wrong.Take(MostPairs).Select(Row)}</tbody></table></div>
            """;

        Markup Number(string text) => $"""<td class="number">{text}</td>""";

        Markup Heading(string text) => $"""<th scope="col">{text}</th>""";

        Markup Row(KeyValuePair<(int Label, int Predicted), int> pair)
        {
            var (label, predicted) = (classes[pair.Key.Label], classes[pair.Key.Predicted]);
            string[] numbers = [$"{pair.Value}", Percent(pair.Value, ofLabel[pair.Key.Label])];
            return $"""
                <tr><td><bdi>{label}</bdi></td><td><bdi>{predicted}</bdi></td>{numbers.Select(Number)}</tr>

                """;
        }
    }

    private static string Percent(int count, int of) => of == 0 ? "–" : FormattableString.Invariant($"{100.0 * count / of:0} %");

    private static string Short(string name) => name.Length <= 18 ? name : name[..17] + "…";
}
