namespace MlNetFineTune.Tasks;

/// <summary>True and predicted class of a row.</summary>
/// <param name="Row">Index of the row.</param>
/// <param name="Label">The true class, from 0.</param>
/// <param name="Predicted">The predicted class, from 0.</param>
/// <param name="Confidence">Probability of the predicted class.</param>
/// <param name="LabelProbability">Probability of the true class.</param>
internal readonly record struct JudgedRow(int Row, int Label, int Predicted, float Confidence, float LabelProbability)
{
    public bool IsWrong => Label != Predicted;

    /// <param name="row">Index of the row.</param>
    /// <param name="label">The true class, from 0.</param>
    /// <param name="probabilities">Probabilities of the classes. The most probable class is the predicted one.</param>
    public static JudgedRow Of(int row, int label, ReadOnlySpan<float> probabilities)
    {
        var best = 0;
        for (var c = 1; c < probabilities.Length; c++)
        {
            if (probabilities[c] > probabilities[best])
                best = c;
        }
        return new JudgedRow(row, label, best, probabilities[best], probabilities[label]);
    }
}

/// <summary>The report of a classifier: the confusion matrix, and the errors with the highest loss.</summary>
internal static class ClassReport
{
    private const int MostMistakes = 24;
    private const int MostClasses = 50;

    /// <param name="outputs">Outputs of the network for the rows that could be read.</param>
    /// <param name="labels">Labels of these rows: classes from 0.</param>
    /// <param name="objective">Objective whose scores are the probabilities of the classes.</param>
    /// <param name="classes">Names of the classes.</param>
    /// <param name="noun">What a row is called: picture, row.</param>
    public static IReadOnlyList<ReportSection> Of(
        RowOutputs outputs, float[] labels, Objective objective, IReadOnlyList<string> classes, string noun)
    {
        var scores = outputs.ScoresBy(objective);
        JudgedRow[] rows = [.. outputs.Rows.Select((row, place) => JudgedRow.Of(
            row, (int)labels[place], scores.AsSpan(place * classes.Count, classes.Count)))];
        return Of(rows, classes, noun, OneAgainstRest.Of(scores, labels, classes).Sections());
    }

    /// <param name="rows">Rows in the order of the data.</param>
    /// <param name="classes">Names of the classes.</param>
    /// <param name="noun">What a row is called: picture, row.</param>
    /// <param name="curves">Sections with curves of the classes; null for none.</param>
    public static IReadOnlyList<ReportSection> Of(
        IReadOnlyList<JudgedRow> rows, IReadOnlyList<string> classes, string noun, IReadOnlyList<ReportSection>? curves = null) =>
    [
        new("Confusion on the validation rows",
            [new ReportBlock.Confusion(classes, [.. rows.Select(row => (row.Label, row.Predicted))])]),
        new("Each class", Qualities(rows, classes)),
        .. curves ?? [],
        ReliabilityDiagram.Of([.. rows.Select(row => new JudgedPrediction(row.Predicted, row.Confidence, !row.IsWrong))]),
        new("Worst mistakes", Mistakes(rows, classes, noun)),
    ];

    private static IReadOnlyList<ReportBlock> Qualities(IReadOnlyList<JudgedRow> rows, IReadOnlyList<string> classes)
    {
        var qualities = BootstrapIntervals.Of([.. rows.Select(row => (row.Label, row.Predicted))], classes.Count);
        ReportBlock[] more = classes.Count <= MostClasses ? [] : [new ReportBlock.Paragraph(
            FormattableString.Invariant($"The {MostClasses} of {classes.Count:N0} classes with the lowest F1."), IsNote: true)];
        var shown = classes.Count <= MostClasses
            ? Enumerable.Range(0, classes.Count)
            : Enumerable.Range(0, classes.Count).OrderBy(c => qualities[c].F1.Value).Take(MostClasses);
        return
        [
            new ReportBlock.Table(["class", "rows", "precision", "recall", "F1"], [.. shown.Select(Row)]),
            .. more,
            new ReportBlock.Paragraph("In brackets 95 % intervals of the bootstrap, which draws the validation rows anew.", IsNote: true),
        ];

        IReadOnlyList<ReportCell> Row(int c) =>
        [
            ReportCell.Name(classes[c]), ReportCell.Number($"{qualities[c].Rows:N0}"), Cell(qualities[c].Precision),
            Cell(qualities[c].Recall), Cell(qualities[c].F1),
        ];

        static ReportCell Cell(EstimatedValue value) => double.IsNaN(value.Value)
            ? ReportCell.Number($"–")
            : ReportCell.Number($"{value.Value:0.00} ({value.Low:0.00}–{value.High:0.00})");
    }

    private static IReadOnlyList<ReportBlock> Mistakes(IReadOnlyList<JudgedRow> rows, IReadOnlyList<string> classes, string noun)
    {
        var wrong = rows.Where(row => row.IsWrong).OrderBy(row => row.LabelProbability).ToList();
        if (wrong.Count == 0)
            return [new ReportBlock.Paragraph(FormattableString.Invariant($"None: all {rows.Count:N0} {noun}s are right."))];
        return
        [
            new ReportBlock.Paragraph(FormattableString.Invariant(
                $"{wrong.Count:N0} of {rows.Count:N0} {noun}s are wrong. The lowest probability of the true class comes first.")),
            new ReportBlock.Examples(
                ["true", "its probability", "predicted", "its probability"], [.. wrong.Take(MostMistakes).Select(Example)]),
        ];

        ReportExample Example(JudgedRow row) => new(
            row.Row,
            [
                ReportCell.Name(classes[row.Label]), ReportCell.Number($"{row.LabelProbability:0.0000}"),
                ReportCell.Name(classes[row.Predicted]), ReportCell.Number($"{row.Confidence:0.0000}"),
            ],
            [
                new(ReportLine.Source.Model, "",
                    new(classes[row.Predicted], FormattableString.Invariant($"{row.Confidence * 100:0} %"))),
                new(ReportLine.Source.Data, "is",
                    new(classes[row.Label], FormattableString.Invariant($"{row.LabelProbability * 100:0.#} %"))),
            ]);
    }
}
