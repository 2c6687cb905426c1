using MlNetFineTune.Data;

namespace MlNetFineTune.Tasks;

/// <summary>The report of a model that answers questions: a table of its metrics, and the most certain wrong answers.</summary>
/// <param name="outputs">[N, <see cref="AnswerSearch.Width"/>], with the inputs of the rows.</param>
/// <param name="labels">[N, 2]: characters of the answers.</param>
/// <param name="threshold">Log-odds of "no answer" above which none is predicted.</param>
internal sealed class AnswerReport(RowOutputs outputs, float[] labels, float threshold)
{
    private const int MostMistakes = 24;

    // Characters of an answer on the page.
    private const int AnswerLength = 120;

    public IReadOnlyList<ReportSection> Sections(string noun)
    {
        var counts = new AnswerCounts();
        var mistakes = new List<Mistake>();
        for (var place = 0; place < outputs.Rows.Length; place++)
        {
            var context = outputs.Inputs?.ContextOf(outputs.Rows[place]) ?? "";
            var found = FoundAnswer.Of(outputs.Of(place));
            var predicted = found.In(context.AsMemory(), threshold).ToString();
            var answers = AnswerSums.AnswersOf(labels.AsSpan(place * 2, 2), context);
            var f1 = counts.Add(predicted, answers);
            var certainty = Math.Exp(found.IsPredicted(threshold) ? found.LogProbability : found.LogNoAnswer);
            if (f1 < 1)
                mistakes.Add(new Mistake(outputs.Rows[place], answers.FirstOrDefault(""), predicted, certainty, f1));
        }
        return [Metrics(counts, noun), Worst(mistakes, noun)];
    }

    private static ReportSection Metrics(AnswerCounts counts, string noun) => new("Answers on the validation rows",
    [
        new ReportBlock.Table(
            ["rows", noun + "s", "exact match", "F1"],
            [
                Cells("all", counts.All),
                .. counts.WithAnswer.Rows > 0 ? [Cells("with an answer", counts.WithAnswer)] : (IReadOnlyList<ReportCell>[])[],
                .. counts.WithoutAnswer.Rows > 0 ? [Cells("without an answer", counts.WithoutAnswer)] : (IReadOnlyList<ReportCell>[])[],
            ]),
        new ReportBlock.Paragraph("As SQuAD's official script counts: without case, punctuation and articles.", IsNote: true),
    ]);

    private static IReadOnlyList<ReportCell> Cells(string name, AnswerCounts.Means means) =>
    [
        ReportCell.Name(name), ReportCell.Number($"{means.Rows:N0}"), ReportCell.Number($"{means.ExactMatch:0.000}"),
        ReportCell.Number($"{means.F1:0.000}"),
    ];

    private ReportSection Worst(List<Mistake> mistakes, string noun) => mistakes.Count == 0
        ? new("Worst mistakes",
        [
            new ReportBlock.Paragraph(FormattableString.Invariant($"None: all {outputs.Rows.Length:N0} {noun}s have the right answer.")),
        ])
        : new("Worst mistakes",
        [
            new ReportBlock.Paragraph(FormattableString.Invariant(
                $"{mistakes.Count:N0} of {outputs.Rows.Length:N0} {noun}s have another answer. The most certain mistakes come first: ")
                + "by the probability of the predicted answer, times 1 - F1."),
            new ReportBlock.Examples(
                ["answer", "predicted", "probability"],
                [.. mistakes.OrderByDescending(mistake => mistake.Certainty * (1 - mistake.F1)).Take(MostMistakes).Select(Example)]),
        ]);

    private static ReportExample Example(Mistake mistake) => new(
        mistake.Row, [Quoted(mistake.Answer), Quoted(mistake.Predicted), ReportCell.Number($"{mistake.Certainty:0.000}")],
        [
            new ReportLine(ReportLine.Source.Data, "answer", TagOf(mistake.Answer)),
            new ReportLine(ReportLine.Source.Model, "predicted", TagOf(mistake.Predicted)),
        ]);

    private static ReportCell Quoted(string answer) => new([TagOf(answer)]);

    private static ReportTag TagOf(string answer) => new(answer.Length == 0 ? "(none)" : SafeText.Of(answer, AnswerLength));

    private sealed record Mistake(int Row, string Answer, string Predicted, double Certainty, double F1);
}
