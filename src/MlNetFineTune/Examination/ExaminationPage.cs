using System.Globalization;
using System.Text;
using MlNetFineTune.Primitives;
using MlNetFineTune.Reporting;
using MlNetFineTune.Tasks;
using static MlNetFineTune.DataExamination;

namespace MlNetFineTune.Examination;

/// <summary>The findings as one HTML page, with thumbnails of the most serious of each kind.</summary>
internal sealed class ExaminationPage
{
    private const int MostCards = 24;

    private readonly ExaminedRows _rows;
    private readonly ILookup<FindingKind, Finding> _findings;
    private readonly LabelErrors _labels;

    private ExaminationPage(ExaminedRows rows, IReadOnlyList<Finding> findings, LabelErrors labels)
    {
        (_rows, _labels) = (rows, labels);
        _findings = findings.ToLookup(finding => finding.Kind);
    }

    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string path, ExaminedRows rows, IReadOnlyList<Finding> findings, LabelErrors labels)
    {
        var text = new ExaminationPage(rows, findings, labels).Draw();
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
    }

    private string Draw()
    {
        var drawing = new SectionDrawing(_rows.ForThumbnails(), heat: null);
        Markup content = $"""
            <h1>Examination of the data</h1>
            <p class="lead">{Lead()}</p>
            {Tiles()}
            {Sections().Select(drawing.Of)}
            """;
        return PageFrame.Of("Examination of the data", content);
    }

    private string Lead() => _findings.Count == 0 ? "Nothing was found."
        : "Findings are hints: look before you delete. The most serious of each kind are shown; the table of findings has all.";

    private Markup Tiles()
    {
        (string Name, string? Value)[] tiles =
        [
            ("rows of train / test", Text($"{_rows.TrainCount:N0} / {_rows.Count - _rows.TrainCount:N0}")),
            ("classes", _rows.Classes.Count == 0 ? null : Text($"{_rows.Classes.Count:N0}")),
            ("labels judged", _rows.Classes.Count == 0 ? null : Text($"{_labels.Judged:N0}")),
            ("labels that the model predicts", _labels.Judged == 0 ? null : Text($"{100 * _labels.Agreement:0} %")),
            ("likely label errors", _labels.Judged == 0 ? null : Count(FindingKind.LikelyLabelError)),
            ("near-duplicates", Count(FindingKind.Duplicate)),
            ("test pictures in train", _rows.Count == _rows.TrainCount ? null : Count(FindingKind.DuplicateAcrossSplits)),
            ("unreadable", Count(FindingKind.Unreadable)),
        ];
        return $"""<dl class="tiles">{tiles.Where(tile => tile.Value is not null).Select(Tile)}</dl>""";

        static Markup Tile((string Name, string? Value) tile) => $"<div><dt>{tile.Name}</dt><dd>{tile.Value}</dd></div>";
    }

    private IEnumerable<ReportSection> Sections() => new[]
    {
        Pairs(FindingKind.DuplicateAcrossSplits, "Test pictures that are in the training data"),
        Cards(FindingKind.LikelyLabelError, "Likely label errors",
            "A linear model on frozen features, which was not trained on the row, is confident of another class. The probability is that "
            + "of the label. The fewer labels the model predicts, the fewer of these are errors.", LabelLines),
        Pairs(FindingKind.Duplicate, "Near-duplicates within a split"),
        Cards(FindingKind.Unreadable, "Pictures that cannot be used", "", finding => []),
        Cards(FindingKind.Blank, "Blank pictures", "Nearly all pixels have the same brightness.", finding => Measured("contrast", finding)),
        Cards(FindingKind.Blurred, "Blurred pictures", "Even the sharpest part is blurred.", finding => Measured("sharpness", finding)),
        Cards(FindingKind.Tiny, "Tiny pictures", "", finding => Measured("shorter side", finding)),
        Cards(FindingKind.ExifOrientation, "Pictures that are stored rotated",
            "They have an EXIF orientation, by which they are upright here. Programs that ignore it see them otherwise.",
            finding => Measured("EXIF orientation", finding)),
        Cards(FindingKind.NoLabel, "Rows without a label", "", finding => []),
        Classes(),
        Sentences("Order of the rows", FindingKind.SortedByLabel),
    }.OfType<ReportSection>();

    private ReportSection? Cards(FindingKind kind, string title, string explanation, Func<Finding, IEnumerable<ReportLine>> lines)
    {
        Finding[] all = [.. _findings[kind]];
        if (all.Length == 0)
            return null;
        return new ReportSection(title, [
            .. explanation.Length == 0 ? [] : (ReportBlock[])[new ReportBlock.Paragraph(explanation)],
            new ReportBlock.Examples(["split", "advice"], [.. all.Take(MostCards).Select(finding => Example(finding, lines(finding)))]),
            .. More(all.Length)]);
    }

    private ReportSection? Pairs(FindingKind kind, string title)
    {
        Finding[] all = [.. _findings[kind]];
        return all.Length == 0 ? null : new ReportSection(title, [
            new ReportBlock.Paragraph("The similarity is the mean of those of features and of perceptual hashes; 1 is the same picture."),
            new ReportBlock.Pairs(["split", "advice"], [
                .. all.Take(MostCards).Select(finding => (Example(finding, PairLines(finding)), Other(finding)))]),
            .. More(all.Length)]);
    }

    private ReportSection? Sentences(string title, params FindingKind[] kinds)
    {
        ReportBlock[] blocks = [.. kinds.SelectMany(kind => _findings[kind])
            .Select(finding => new ReportBlock.Paragraph($"{(finding.InTest ? "Test" : "Training")} data. {finding.Advice}"))];
        return blocks.Length == 0 ? null : new ReportSection(title, blocks);
    }

    private ReportSection? Classes()
    {
        if (_rows.Classes.Count == 0)
            return null;
        var train = ClassFindings.Counts(_rows, 0, _rows.TrainCount);
        var test = ClassFindings.Counts(_rows, _rows.TrainCount, _rows.Count);
        var errors = new int[_rows.Classes.Count];
        for (var row = 0; row < _rows.Count; row++)
        {
            if (_labels.Suggested[row] >= 0)
                errors[_rows.ClassOf[row]]++;
        }
        var sentences = Sentences(
            "", FindingKind.OnlyInOneSplit, FindingKind.FewRows, FindingKind.Imbalance)?.Blocks ?? [];
        return new ReportSection("Classes", [
            .. sentences.Take(MostCards),
            new ReportBlock.Table(["class", "training rows", "test rows", "likely label errors"], [
                .. _rows.Classes.Select((name, place) => (ReportCell[])
                [
                    ReportCell.Name(name), ReportCell.Number($"{train[place]}"), ReportCell.Number($"{test[place]}"),
                    ReportCell.Number($"{errors[place]}"),
                ])])]);
    }

    private ReportExample Example(Finding finding, IEnumerable<ReportLine> lines)
    {
        var row = PlaceOf(finding.Row!.Value, finding.InTest);
        return new ReportExample(row,
            [ReportCell.Name(FindingsTable.NameOf(finding.InTest)), ReportCell.Name(finding.Advice)],
            [.. lines, .. finding.OtherRow is null ? [Line(FindingsTable.NameOf(finding.InTest))] : (ReportLine[])[]]);
    }

    private IEnumerable<ReportLine> LabelLines(Finding finding) =>
    [
        new(ReportLine.Source.Model, "looks like", new("", finding.SuggestedLabel!)),
        new(ReportLine.Source.Data, "label", new("", _rows.LabelOf(PlaceOf(finding.Row!.Value, finding.InTest)))),
        Line(Text($"probability {finding.Score * 100:0.0} %")),
    ];

    private IEnumerable<ReportLine> PairLines(Finding finding)
    {
        var (row, other) = (PlaceOf(finding.Row!.Value, finding.InTest), Other(finding));
        var (label, otherLabel) = (_rows.LabelOf(row), _rows.LabelOf(other));
        yield return new(ReportLine.Source.Data, "similarity", new("", Text($"{finding.Score:0.000}")));
        if (label != otherLabel)
            yield return new(ReportLine.Source.Model, "labels differ:", new("", $"{label}, {otherLabel}"));
        else if (label.Length > 0)
            yield return Line(label);
        yield return Line(finding.InTest == finding.OtherInTest ? FindingsTable.NameOf(finding.InTest) : "test and train");
    }

    private static IEnumerable<ReportLine> Measured(string name, Finding finding) =>
        [new(ReportLine.Source.Model, name, new("", Text($"{finding.Score:0.##}")))];

    private static ReportLine Line(string text) => new(ReportLine.Source.Data, "", new(text));

    private static IEnumerable<ReportBlock> More(int count) => count <= MostCards ? []
        : [new ReportBlock.Paragraph(Text($"{count - MostCards:N0} more are in the table of findings."), IsNote: true)];

    private int Other(Finding finding) => PlaceOf(finding.OtherRow!.Value, finding.OtherInTest);

    private int PlaceOf(long ordinal, bool inTest) => checked((int)ordinal + (inTest ? _rows.TrainCount : 0));

    private string Count(FindingKind kind) => Text($"{_findings[kind].Count():N0}");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
