using MlNetFineTune.Data;

namespace MlNetFineTune.Reporting;

/// <summary>The rows with the largest errors: pictures as cards, others as a table.</summary>
internal static class Mistakes
{
    public static Markup OfClasses(JudgedRows judged, IReadOnlyList<string> classes)
    {
        var wrong = judged.Rows.Count(row => row.IsWrong);
        var summary = wrong == 0
            ? (Markup)$"None: all {judged.Rows.Count:N0} {judged.Noun}s are right."
            : $"{wrong:N0} of {judged.Rows.Count:N0} {judged.Noun}s are wrong. The lowest probability of the true class comes first.";
        var hasPictures = judged.Worst.Any(mistake => mistake.Picture is not null);
        var list = hasPictures ? Cards(judged.Worst, classes) : wrong > 0 ? Table(judged.Worst, classes) : Markup.None;
        return $"""
            <section><h2>Worst mistakes</h2>
            <p>{summary} {judged.HeatNote}</p>
            {list}</section>
            """;
    }

    public static Markup OfNumbers(JudgedRows judged)
    {
        return $"""
            <section><h2>Worst mistakes</h2>
            <div class="wide"><table>
            <thead><tr>{Heading(judged.Noun)}{Heading("actual")}{Heading("predicted")}{Heading("error")}</tr></thead>
            <tbody>{judged.Worst.Select(Row)}</tbody></table></div></section>
            """;

        static Markup Row(Mistake mistake) => $"""
            <tr><td><bdi>{mistake.Where}</bdi></td><td class="number">{mistake.Row.Label:0.####}</td>
            <td class="number">{mistake.Row.Predicted:0.####}</td>
            <td class="number">{mistake.Row.Predicted - mistake.Row.Label:+0.####;-0.####;0}</td></tr>

            """;
    }

    private static Markup Cards(IEnumerable<Mistake> mistakes, IReadOnlyList<string> classes)
    {
        return $"""<ul class="cards">{mistakes.Select(Card)}</ul>""";

        Markup Card(Mistake mistake) => $"""
            <li>{Image(mistake.Picture)}{Image(mistake.Heat)}
            <div class="verdict">
            <span class="said"><bdi>{classes[(int)mistake.Row.Predicted]}</bdi> <b>{mistake.Row.Confidence * 100:0} %</b></span>
            <span class="truth">is <bdi>{classes[(int)mistake.Row.Label]}</bdi> <b>{mistake.Row.LabelProbability * 100:0.#} %</b></span>
            <span class="where" title="{mistake.Where}"><bdi>{mistake.Where}</bdi></span></div></li>

            """;
    }

    private static Markup Image(string? picture) =>
        picture is null ? Markup.None : $"""<img src="{picture}" alt="" width="128" height="128">""";

    private static Markup Table(IEnumerable<Mistake> mistakes, IReadOnlyList<string> classes)
    {
        string[] headings = ["row", "true", "its probability", "predicted", "its probability"];
        return $"""
            <div class="wide"><table><thead><tr>{headings.Select(Heading)}</tr></thead>
            <tbody>{mistakes.Select(Row)}</tbody></table></div>
            """;

        Markup Row(Mistake mistake) => $"""
            <tr><td><bdi>{mistake.Where}</bdi></td>
            <td><bdi>{classes[(int)mistake.Row.Label]}</bdi></td><td class="number">{mistake.Row.LabelProbability:0.0000}</td>
            <td><bdi>{classes[(int)mistake.Row.Predicted]}</bdi></td><td class="number">{mistake.Row.Confidence:0.0000}</td></tr>

            """;
    }

    private static Markup Heading(string name) => $"""<th scope="col">{name}</th>""";
}
