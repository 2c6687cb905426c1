namespace MlNetFineTune.Tasks;

/// <summary>
/// ROC and precision-recall curves of each class against all others, by the probability of the class, and their macro averages, which count
/// each class that has rows the same.
/// </summary>
internal sealed class OneAgainstRest
{
    // More lines cannot be told apart.
    private const int MostClasses = 8;

    private readonly float[] _scores;
    private readonly float[] _labels;
    private readonly IReadOnlyList<string> _classes;

    private OneAgainstRest(float[] scores, float[] labels, IReadOnlyList<string> classes)
    {
        (_scores, _labels, _classes) = (scores, labels, classes);
        Classes = new JudgedClass[classes.Count];
        var (roc, precision, count) = (new double[RankingCurves.Places], new double[RankingCurves.Places], 0);
        for (var c = 0; c < classes.Count; c++)
        {
            var ranking = RankingOf(c);
            Classes[c] = new((int)ranking.Positives, RankingMetrics.RocAuc(ranking), RankingMetrics.AveragePrecision(ranking));
            if (!ranking.HasBoth)
                continue;
            Add(roc, RankingCurves.RocAtPlaces(RankingCurves.Roc(ranking)));
            Add(precision, RankingCurves.PrecisionAtPlaces(RankingCurves.PrecisionRecall(ranking)));
            count++;
        }
        Counted = [.. Enumerable.Range(0, classes.Count).Where(c => !double.IsNaN(Classes[c].RocAuc))];
        MeanRoc = [(0, 0), .. roc.Select((sum, place) => (place / (RankingCurves.Places - 1.0), sum / count))];
        MeanPrecision = [.. precision.Select((sum, place) => (place / (RankingCurves.Places - 1.0), sum / count))];

        static void Add(double[] sums, double[] values)
        {
            for (var place = 0; place < sums.Length; place++)
                sums[place] += values[place];
        }
    }

    /// <summary>How well the probability of a class ranks its rows before all others.</summary>
    /// <param name="Rows">Number of rows of the class.</param>
    /// <param name="RocAuc">Area under the ROC curve; NaN if no row or every row has the class.</param>
    /// <param name="AveragePrecision">Average precision; NaN if no row has the class.</param>
    public readonly record struct JudgedClass(int Rows, double RocAuc, double AveragePrecision);

    /// <summary>All classes, in order.</summary>
    public JudgedClass[] Classes { get; }

    /// <summary>The mean ROC curve of <see cref="Counted"/>.</summary>
    public IReadOnlyList<(double X, double Y)> MeanRoc { get; }

    /// <summary>The mean precision-recall curve of <see cref="Counted"/>.</summary>
    public IReadOnlyList<(double X, double Y)> MeanPrecision { get; }

    /// <summary>Mean area under the ROC curve of the classes that some rows have, and some have not; NaN if there is none.</summary>
    public double MacroRocAuc => Counted.Select(c => Classes[c].RocAuc).DefaultIfEmpty(double.NaN).Average();

    /// <summary>Mean average precision of the same classes; NaN if there is none.</summary>
    public double MacroAveragePrecision => Counted.Select(c => Classes[c].AveragePrecision).DefaultIfEmpty(double.NaN).Average();

    private int[] Counted { get; }

    /// <param name="scores">[N * classes] probabilities.</param>
    /// <param name="labels">[N] classes from 0.</param>
    /// <param name="classes">Names of the classes.</param>
    public static OneAgainstRest Of(float[] scores, float[] labels, IReadOnlyList<string> classes) => new(scores, labels, classes);

    /// <summary>The section of the report; none if all rows have the same class.</summary>
    public IReadOnlyList<ReportSection> Sections()
    {
        if (Counted.Length == 0)
            return [];
        var worstFirst = Counted.OrderBy(c => Classes[c].AveragePrecision).ToList();
        int[] shown = Counted.Length > MostClasses ? [.. worstFirst.Take(MostClasses)] : Counted;
        List<ReportBlock> notes = [];
        if (shown.Length < Counted.Length)
        {
            notes.Add(new ReportBlock.Paragraph(
                FormattableString.Invariant($"The {MostClasses} of {Counted.Length:N0} classes with the lowest average precision."),
                IsNote: true));
        }
        if (Counted.Length < _classes.Count)
        {
            notes.Add(new ReportBlock.Paragraph(
                FormattableString.Invariant($"{_classes.Count - Counted.Length:N0} of the classes have no validation row."), IsNote: true));
        }
        return
        [
            new(RankingCharts.Title,
            [
                new ReportBlock.Paragraph("Each class against all others, by its probability. The mean counts each class the same. "
                    + "Thin lines are single classes."),
                new ReportBlock.Charts(
                    RankingCharts.Roc([.. Curves(shown, worstFirst[0], RankingCurves.Roc), Mean(MeanRoc)]),
                    RankingCharts.PrecisionRecall(
                        title: null, chance: null, [.. Curves(shown, worstFirst[0], RankingCurves.PrecisionRecall), Mean(MeanPrecision)])),
                new ReportBlock.Table(
                    ["class", "rows", "area under the ROC curve", "average precision"],
                    [
                        .. shown.Select(c => Row(ReportCell.Name(_classes[c]), Classes[c])),
                        Row(new([new("", "mean of all classes")]), new(_labels.Length, MacroRocAuc, MacroAveragePrecision)),
                    ]),
                .. notes,
            ]),
        ];

        static Series Mean(IReadOnlyList<(double X, double Y)> points) =>
            RankingCharts.Curve("mean of all classes", SeriesLook.First, points);

        static IReadOnlyList<ReportCell> Row(ReportCell name, JudgedClass of) =>
        [
            name, ReportCell.Number($"{of.Rows:N0}"), ReportCell.Number($"{of.RocAuc:0.000}"),
            ReportCell.Number($"{of.AveragePrecision:0.000}"),
        ];
    }

    private IEnumerable<Series> Curves(
        IReadOnlyList<int> shown, int worst, Func<ScoreRanking, IReadOnlyList<(double X, double Y)>> curveOf) =>
    [
        .. shown.Where(c => c != worst).Select(c =>
            RankingCharts.Curve("", SeriesLook.Faint, curveOf(RankingOf(c))) with { Tooltip = SafeText.Of(_classes[c]) }),
        RankingCharts.Curve($"lowest: {SafeText.Of(_classes[worst])}", SeriesLook.Second, curveOf(RankingOf(worst))),
    ];

    private ScoreRanking RankingOf(int c)
    {
        var (ofClass, isClass) = (new float[_labels.Length], new bool[_labels.Length]);
        for (var row = 0; row < _labels.Length; row++)
            (ofClass[row], isClass[row]) = (_scores[row * _classes.Count + c], (int)_labels[row] == c);
        return ScoreRanking.Of(ofClass, isClass);
    }
}
