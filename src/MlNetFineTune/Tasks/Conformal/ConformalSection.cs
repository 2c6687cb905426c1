namespace MlNetFineTune.Tasks;

/// <summary>
/// The section of the report about conformal prediction: coverage and size of the sets, rejected rows, and the distribution of the novelty,
/// on the validation rows.
/// </summary>
internal static class ConformalSection
{
    private const int MostClasses = 50;
    private const int MostPoints = 200;

    /// <param name="model">The calibrated model.</param>
    /// <param name="task">The task.</param>
    /// <param name="outputs">Outputs of the network for the rows that could be read. At least one.</param>
    /// <param name="features">Features of these rows; empty without a novelty score.</param>
    /// <param name="labels">Labels of these rows.</param>
    /// <param name="noun">What a row is called: picture, row.</param>
    /// <param name="isHeldOut">Whether other rows than these calibrated the sets.</param>
    /// <param name="hasGroups">Whether rows belong to groups: then the rows of a group are not independent.</param>
    public static ReportSection Of(
        ConformalModel model, BoundTask task, RowOutputs outputs, IReadOnlyList<float[]> features, float[] labels, string noun,
        bool isHeldOut, bool hasGroups)
    {
        var (scores, length) = (outputs.ScoresBy(task.Scoring), task.Scoring.ScoreLength);
        JudgedSet[] rows = [.. labels.Select((label, place) =>
        {
            var ofRow = scores.AsSpan(place * length, length);
            float[] values = model.Nearest is { } nearest ? [.. ofRow, nearest.DistanceOf(features[place])] : ofRow.ToArray();
            var predicted = task.ClassScores!.PredictedOf(ofRow);
            return new JudgedSet(
                (int)label, model.SetOf(values), predicted == (int)label, model.IsRejected(values), model.IsNovel(values),
                model.Nearest is null ? float.NaN : values[length]);
        })];
        return new("Conformal prediction",
        [
            new ReportBlock.Paragraph(Summary(model.Report, rows, noun, isHeldOut, hasGroups)),
            Sizes(rows),
            .. Classes(rows, task.ClassScores!.Names),
            .. Rejected(rows, noun),
            .. model.Report.NoveltyThreshold is { } threshold ? [Novelty(rows, threshold)] : (ReportBlock[])[],
        ]);
    }

    private static string Summary(
        ConformalPrediction.Report report, IReadOnlyList<JudgedSet> rows, string noun, bool isHeldOut, bool hasGroups)
    {
        var covered = rows.Count(row => row.IsCovered);
        var others = isHeldOut
            ? "which selected the epoch and did not calibrate the sets"
            : "which selected the epoch and calibrated the sets as well, so that this is no independent estimate";
        // The coverage is distributed as Beta for one quantile of independent rows that nothing else was fitted to.
        var spread = isHeldOut && !hasGroups && report.Quantiles.Count == 1
            && report.Rows >= ConformalQuantile.RowsNeeded(report.Coverage)
            ? Spread(CoverageSpread.Of(report.Rows, report.Coverage))
            : "";
        return FormattableString.Invariant($"Of the {rows.Count:N0} validation {noun}s, {others}, the set of {covered:N0} has the true ")
            + FormattableString.Invariant($"class: {Share(covered, rows.Count)}; {report.Coverage} was requested. ")
            + FormattableString.Invariant($"The mean set has {rows.Average(row => row.Set.Length):0.00} classes. ")
            + spread;

        string Spread((double Low, double High) band) => FormattableString.Invariant(
            $"Calibrated on {report.Rows:N0} {noun}s: the coverage of new {noun}s from the same source lies between ")
            + FormattableString.Invariant($"{band.Low:0.000} and {band.High:0.000} in nine of ten such calibrations.");
    }

    private static ReportBlock.Table Sizes(IReadOnlyList<JudgedSet> rows) => new(
        ["classes in the set", "rows", "with the true class"],
        [.. rows.GroupBy(row => row.Set.Length).OrderBy(group => group.Key).Select(group => (IReadOnlyList<ReportCell>)
        [
            ReportCell.Number($"{group.Key}"), ReportCell.Number($"{group.Count():N0}"),
            ReportCell.Number($"{group.Count(row => row.IsCovered):N0}"),
        ])]);

    // The classes with the lowest coverage first.
    private static IEnumerable<ReportBlock> Classes(IReadOnlyList<JudgedSet> rows, IReadOnlyList<string> names)
    {
        var classes = rows.GroupBy(row => row.Label)
            .OrderBy(group => group.Average(row => row.IsCovered ? 1.0 : 0)).ThenBy(group => group.Key).ToList();
        yield return new ReportBlock.Table(
            ["class", "rows", "coverage", "mean set size"],
            [.. classes.Take(MostClasses).Select(group => (IReadOnlyList<ReportCell>)
            [
                ReportCell.Name(names[group.Key]), ReportCell.Number($"{group.Count():N0}"),
                ReportCell.Number($"{Share(group.Count(row => row.IsCovered), group.Count())}"),
                ReportCell.Number($"{group.Average(row => row.Set.Length):0.00}"),
            ])]);
        if (classes.Count > MostClasses)
        {
            yield return new ReportBlock.Paragraph(
                FormattableString.Invariant($"{classes.Count - MostClasses} classes with a higher coverage are left out."), IsNote: true);
        }
    }

    private static IEnumerable<ReportBlock> Rejected(IReadOnlyList<JudgedSet> rows, string noun)
    {
        yield return new ReportBlock.Table(
            ["", "rows", "predicted correctly"],
            [
                Row("accepted", [.. rows.Where(row => !row.IsRejected)]), Row("rejected", [.. rows.Where(row => row.IsRejected)]),
                Row("of them novel", [.. rows.Where(row => row.IsNovel)]),
            ]);
        yield return new ReportBlock.Paragraph(
            $"A {noun} is rejected if its set is not exactly the predicted class, or if it is novel. In brackets 95 % intervals (Wilson).",
            IsNote: true);

        static IReadOnlyList<ReportCell> Row(string name, IReadOnlyList<JudgedSet> some) =>
        [
            ReportCell.Name(name), ReportCell.Number($"{some.Count:N0}"),
            some.Count == 0 ? ReportCell.Number($"–") : ReportCell.Number($"{Share(some.Count(row => row.IsRight), some.Count)}"),
        ];
    }

    private static ReportBlock.Charts Novelty(IReadOnlyList<JudgedSet> rows, float threshold)
    {
        float[] sorted = [.. rows.Select(row => row.Novelty).Where(float.IsFinite).Order()];
        IReadOnlyList<(double X, double Y)> points =
            [.. sorted.Select((novelty, place) => ((double)novelty, (place + 1.0) / sorted.Length))];
        return new(new Chart(
            "Share of the validation rows (up) with at most this novelty", "novelty",
            Axis.Linear([0, .. sorted.Select(novelty => (double)novelty), threshold]), Axis.Linear([0, 1]),
            [new("", SeriesLook.First, points.Thin(MostPoints))])
        {
            Mark = float.IsFinite(threshold) ? (threshold, "rejected above") : null,
        });
    }

    private static string Share(int some, int all)
    {
        var (low, high) = CoverageSpread.Wilson(some, all);
        return FormattableString.Invariant($"{(double)some / all:0.000} ({low:0.000}–{high:0.000})");
    }

    /// <param name="Label">The true class, from 0.</param>
    /// <param name="Set">The classes of the set.</param>
    /// <param name="IsRight">Whether the predicted class is the true one.</param>
    /// <param name="IsRejected">Whether the row is rejected.</param>
    /// <param name="IsNovel">Whether the novelty is above its threshold.</param>
    /// <param name="Novelty">NaN without a novelty score.</param>
    private readonly record struct JudgedSet(int Label, int[] Set, bool IsRight, bool IsRejected, bool IsNovel, float Novelty)
    {
        public bool IsCovered => Set.Contains(Label);
    }
}
