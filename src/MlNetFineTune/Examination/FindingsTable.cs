using Microsoft.ML;
using static MlNetFineTune.DataExamination;

namespace MlNetFineTune.Examination;

/// <summary>The findings as a data view.</summary>
internal static class FindingsTable
{
    public static IDataView Of(MLContext context, IEnumerable<Finding> findings) =>
        context.Data.LoadFromEnumerable(findings.Select(finding => new Row
        {
            Kind = finding.Kind.ToString(),
            Split = NameOf(finding.InTest),
            RowNumber = finding.Row ?? -1,
            Path = finding.Path ?? "",
            OtherSplit = finding.OtherRow is null ? "" : NameOf(finding.OtherInTest),
            OtherRow = finding.OtherRow ?? -1,
            OtherPath = finding.OtherPath ?? "",
            Score = finding.Score,
            SuggestedLabel = finding.SuggestedLabel ?? "",
            Advice = finding.Advice,
        }).ToArray());

    /// <summary>Name of a split.</summary>
    public static string NameOf(bool inTest) => inTest ? "test" : "train";

    private sealed class Row
    {
        public string Kind { get; set; } = "";

        public string Split { get; set; } = "";

        [Microsoft.ML.Data.ColumnName("Row")]
        public long RowNumber { get; set; }

        public string Path { get; set; } = "";

        public string OtherSplit { get; set; } = "";

        public long OtherRow { get; set; }

        public string OtherPath { get; set; } = "";

        public float Score { get; set; }

        public string SuggestedLabel { get; set; } = "";

        public string Advice { get; set; } = "";
    }
}
