namespace MlNetFineTune.Tasks;

/// <summary>
/// The report of a binary model: ROC and precision-recall curves with the model's threshold, and the blocks of a class report.
/// </summary>
internal static class BinaryReport
{
    /// <param name="outputs">Outputs of the network for the rows that could be read.</param>
    /// <param name="labels">Labels of these rows: 1 or 0.</param>
    /// <param name="objective">Objective whose scores are calibrated logits.</param>
    /// <param name="threshold">Decision threshold of the score.</param>
    /// <param name="noun">What a row is called: picture, row.</param>
    public static IReadOnlyList<ReportSection> Of(RowOutputs outputs, float[] labels, Objective objective, float threshold, string noun)
    {
        var scores = outputs.ScoresBy(objective);
        bool[] positive = [.. labels.Select(label => label > 0.5f)];
        JudgedRow[] rows = [.. outputs.Rows.Select((row, place) => Judge(row, scores[place], positive[place]))];
        ReportSection[] curves = BinaryCurves.Of(scores, positive, threshold) is { } known ? [known.Section] : [];
        return [.. curves, .. ClassReport.Of(rows, BinaryObjective.Classes, noun)];

        JudgedRow Judge(int row, float score, bool isPositive)
        {
            var yes = BinaryTask.ProbabilityOf(score);
            var isPredicted = score > threshold;
            return new(row, isPositive ? 1 : 0, isPredicted ? 1 : 0, isPredicted ? yes : 1 - yes, isPositive ? yes : 1 - yes);
        }
    }
}
