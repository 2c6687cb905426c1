using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Training;
using static MlNetFineTune.DataExamination;

namespace MlNetFineTune.Examination;

/// <summary>Examines data: reads the rows, measures the pictures, computes features, and collects the findings.</summary>
internal static class DataExaminer
{
    // Fractions of the work; on a CPU the network takes most of it.
    private const float Measured = 0.25f, Extracted = 0.85f, Compared = 0.92f;

    public static DataExamination Examine(MLContext context, IDataView train, IDataView? test, ExaminationOptions options)
    {
        using var scope = new FitScope(context, nameof(DataExamination), "Examine", options.Seed);
        using var rows = ExaminedRows.Read(scope.Host, train, test, options);
        if (rows.Count == 0)
            throw new InvalidOperationException("There is nothing to examine: the data have no rows.");
        var progress = new WorkProgress(options.Progress);

        progress.Begin(0, Measured, rows.Count);
        var pictures = ExaminedPictures.Measure(rows, options, progress.Advance);
        progress.Begin(Measured, Extracted, rows.Count);
        var features = RowFeatures.Compute(
            context, test is null ? [train] : [train, test], options, row => pictures.IsUsable(row, options), () => progress.Advance(1));
        progress.Begin(Extracted, Compared, features.Rows.Length);
        var duplicates = NearDuplicates.Find(rows, features, pictures.HashOf, options, progress.Advance);
        progress.Begin(Compared, 1, options.Folds);
        var labels = LabelErrors.Find(rows, features, duplicates, options, scope.Seed, () => progress.Advance(1));

        Finding[] findings =
        [
            .. pictures.Findings(options)
                .Concat(RowsWithoutLabel(rows)).Concat(DuplicateFindings(rows, duplicates)).Concat(LabelFindings(rows, labels))
                .Concat(ClassFindings.Of(rows, options))
                .OrderBy(finding => finding.Kind).ThenBy(Seriousness).ThenBy(finding => finding.InTest).ThenBy(finding => finding.Row),
        ];
        var columns = new ExaminedColumns(rows, findings, labels);
        var result = new DataExamination(
            findings, labels.Agreement, FindingsTable.Of(context, findings), columns.AddTo(context, train, inTest: false),
            test is null ? null : columns.AddTo(context, test, inTest: true));
        if (options.ReportPath is { } path)
            ExaminationPage.Write(path, rows, findings, labels);
        progress.End();
        scope.Channel.Info($"{rows.Count} rows examined, {labels.Judged} labels judged: {result}. "
            + FormattableString.Invariant($"The label is the most probable class in a fraction of {labels.Agreement:0.00}."));
        return result;
    }

    private static IEnumerable<Finding> RowsWithoutLabel(ExaminedRows rows) =>
        from row in Enumerable.Range(0, rows.Classes.Count > 0 ? rows.Count : 0)
        where rows.ClassOf[row] < 0
        select rows.Finding(FindingKind.NoLabel, row, float.NaN, "The row has no label and is not trained on: label it, or leave it out.");

    private static IEnumerable<Finding> DuplicateFindings(ExaminedRows rows, NearDuplicates duplicates)
    {
        for (var row = 0; row < rows.Count; row++)
        {
            if (duplicates.Within[row] is { Row: >= 0 } within)
            {
                yield return Pair(FindingKind.Duplicate, row, within, "Keep one of them: copies count double in training, and in a random "
                    + "validation split a copy is on both sides.");
            }
            if (rows.InTest(row) && duplicates.Across[row] is { Row: >= 0 } across)
            {
                yield return Pair(FindingKind.DuplicateAcrossSplits, row, across, "Leave one of the two rows out (the training row, if the "
                    + "test is to stay comparable): the test would measure memory.");
            }
        }

        Finding Pair(FindingKind kind, int row, NearDuplicates.Match match, string advice)
        {
            var labels = rows.ClassOf[row] == rows.ClassOf[match.Row] ? ""
                : $"The labels differ, {SafeText.Quoted(rows.LabelOf(row))} and {SafeText.Quoted(rows.LabelOf(match.Row))}: one of them is "
                    + "wrong. ";
            return rows.Finding(kind, row, match.Similarity, labels + advice) with
            {
                OtherInTest = rows.InTest(match.Row),
                OtherRow = rows.OrdinalOf(match.Row),
                OtherPath = rows.PathOf(match.Row),
            };
        }
    }

    private static IEnumerable<Finding> LabelFindings(ExaminedRows rows, LabelErrors labels)
    {
        for (var row = 0; row < rows.Count; row++)
        {
            if (labels.Suggested[row] < 0)
                continue;
            var (given, suggested) = (rows.LabelOf(row), rows.Classes[labels.Suggested[row]]);
            var finding = rows.Finding(FindingKind.LikelyLabelError, row, labels.Quality[row],
                $"Look at the picture: the label is {SafeText.Quoted(given)}, and a model that was not trained on the row says "
                    + $"{SafeText.Quoted(suggested)}. Correct the label, or leave it if it is right.");
            yield return finding with { SuggestedLabel = suggested };
        }
    }

    // Ascending: of similarities and counts the greatest first, of qualities and measurements the least.
    private static double Seriousness(Finding finding) => finding.Kind switch
    {
        FindingKind.Duplicate or FindingKind.DuplicateAcrossSplits or FindingKind.Imbalance or FindingKind.OnlyInOneSplit => -finding.Score,
        _ => float.IsNaN(finding.Score) ? 0 : finding.Score,
    };
}
