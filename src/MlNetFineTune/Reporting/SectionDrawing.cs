using MlNetFineTune.Data;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Reporting;

/// <summary>Draws a task's report sections on the validation rows.</summary>
/// <param name="rows">Have the pictures, and where each row is.</param>
/// <param name="heat">Draws the regions that contributed to a prediction; null where they are not shown.</param>
internal sealed class SectionDrawing(LabeledData rows, RowHeat? heat) : IReportDrawing<Markup>
{
    public Markup Of(ReportSection section)
    {
        Markup head = section.Head is { } label ? $"<bdi>{label}</bdi>: " : Markup.None;
        return $"""
            <section><h2>{head}{section.Title}</h2>
            {section.Blocks.Select(block => block.Draw(this))}</section>

            """;
    }

    public Markup Draw(ReportBlock.Paragraph block) => block.IsNote
        ? (Markup)$"""<p class="note">{block.Text}</p>"""
        : $"<p>{block.Text}</p>";

    public Markup Draw(ReportBlock.Charts block) =>
        $"""<div class="charts{(block.All.Count == 1 ? " one" : "")}">{block.All.Select(SvgChart.Of)}</div>""";

    public Markup Draw(ReportBlock.Confusion block) => ConfusionTable.Of(block);

    public Markup Draw(ReportBlock.Table block)
    {
        return Table(block.Headings, block.Rows.Select(Row));

        static Markup Row(IReadOnlyList<ReportCell> cells) => $"""
            <tr>{cells.Select(Cell)}</tr>

            """;
    }

    public Markup Draw(ReportBlock.Examples block)
    {
        (ReportExample Example, string? Picture)[] all =
            [.. block.All.Select(example => (example, Thumbnail.Of(rows.Inputs, example.Row)))];
        return all.Any(one => one.Picture is not null)
            ? (Markup)$"""{Note()}<ul class="cards">{all.Select(one => Card(one.Example, one.Picture))}</ul>"""
            : Table([rows.Inputs.Noun, .. block.Headings], block.All.Select(Row));
    }

    public Markup Draw(ReportBlock.Pairs block)
    {
        (ReportExample Example, int Other, string? Picture, string? OtherPicture)[] all =
        [
            .. block.All.Select(pair => (pair.Example, pair.Other,
                Thumbnail.Of(rows.Inputs, pair.Example.Row), Thumbnail.Of(rows.Inputs, pair.Other))),
        ];
        return all.Any(one => one.Picture is not null || one.OtherPicture is not null)
            ? (Markup)$"""<ul class="cards of-pairs">{all.Select(Card)}</ul>"""
            : Table([rows.Inputs.Noun, $"other {rows.Inputs.Noun}", .. block.Headings], block.All.Select(Row));

        Markup Card((ReportExample Example, int Other, string? Picture, string? OtherPicture) pair) => $"""
            <li><div class="pair">{Image(pair.Picture)}{Image(pair.OtherPicture)}</div>
            <div class="verdict">
            {pair.Example.Lines.Select(Line)}{WhereLine(pair.Example.Row)}{WhereLine(pair.Other)}</div></li>

            """;

        Markup Row((ReportExample Example, int Other) pair) => $"""
            <tr><td><bdi>{RowName.Of(rows, pair.Example.Row)}</bdi></td><td><bdi>{RowName.Of(rows, pair.Other)}</bdi></td>
            {pair.Example.Cells.Select(Cell)}</tr>

            """;
    }

    private Markup Note() => heat is null ? Markup.None : $"<p>{heat.Note}</p>";

    private Markup Card(ReportExample example, string? picture)
    {
        return $"""
            <li>{Image(picture)}{Image(picture is null ? null : heat?.Of(example.Row))}
            <div class="verdict">
            {example.Lines.Select(Line)}{WhereLine(example.Row)}</div></li>

            """;
    }

    private Markup WhereLine(int row)
    {
        var where = RowName.Of(rows, row);
        return $"""<span class="where" title="{where}"><bdi>{where}</bdi></span>""";
    }

    private static Markup Image(string? picture) =>
        picture is null ? Markup.None : $"""<img src="{picture}" alt="" width="128" height="128">""";

    private Markup Row(ReportExample example) => $"""
        <tr><td><bdi>{RowName.Of(rows, example.Row)}</bdi></td>{example.Cells.Select(Cell)}</tr>

        """;

    private static Markup Table(IReadOnlyList<string> headings, IEnumerable<Markup> rows)
    {
        return $"""
            <div class="wide"><table><thead><tr>{headings.Select(Heading)}</tr></thead>
            <tbody>{rows}</tbody></table></div>
            """;

        static Markup Heading(string name) => $"""<th scope="col">{name}</th>""";
    }

    private static Markup Cell(ReportCell cell) => cell.IsNumber
        ? (Markup)$"""<td class="number">{cell.Tags.Select(Tag)}</td>"""
        : $"<td>{cell.Tags.Select(Tag)}</td>";

    private static Markup Tag(ReportTag tag, int place)
    {
        Markup name = tag.Name.Length > 0 ? $"<bdi>{tag.Name}</bdi>" : Markup.None;
        return $"{(place > 0 ? ", " : "")}{name}{(tag is { Name.Length: > 0, Value.Length: > 0 } ? " " : "")}{tag.Value}";
    }

    private static Markup Line(ReportLine line)
    {
        var look = line.Kind == ReportLine.Source.Model ? "said" : "truth";
        Markup name = line.Tag.Name.Length > 0 ? $"<bdi>{line.Tag.Name}</bdi> " : Markup.None;
        return $"""
            <span class="{look}">{line.Before}{(line.Before.Length > 0 ? " " : "")}{name}<b>{line.Tag.Value}</b></span>

            """;
    }
}
