using Microsoft.ML;
using Microsoft.ML.Data;
using static MlNetFineTune.DataExamination;

namespace MlNetFineTune.Examination;

/// <summary>The findings as columns beside the rows of a data view. Numbers, as <c>FilterRowsByColumn</c> takes no Booleans.</summary>
internal sealed class ExaminedColumns
{
    private readonly ExaminedRows _rows;
    private readonly Values[] _values;

    public ExaminedColumns(ExaminedRows rows, IEnumerable<Finding> findings, LabelErrors labels)
    {
        _rows = rows;
        _values = [.. labels.Quality.Select(quality => new Values { LabelQuality = float.IsNaN(quality) ? 1 : quality })];
        foreach (var finding in findings)
        {
            if (finding.Row is { } ordinal)
                Mark(_values[PlaceOf(ordinal, finding.InTest)], finding);
            if (finding.Kind == FindingKind.DuplicateAcrossSplits)
                _values[PlaceOf(finding.OtherRow!.Value, finding.OtherInTest)].IsInOtherSplit = 1;
        }
    }

    /// <summary>The data with the columns; read by position.</summary>
    public IDataView AddTo(MLContext context, IDataView data, bool inTest)
    {
        var range = inTest ? _rows.TrainCount.._rows.Count : .._rows.TrainCount;
        return ZipDataView.Create(context, [data, context.Data.LoadFromEnumerable(_values[range])]);
    }

    private int PlaceOf(long ordinal, bool inTest) => checked((int)ordinal + (inTest ? _rows.TrainCount : 0));

    private static void Mark(Values values, Finding finding)
    {
        values.FindingCount++;
        switch (finding.Kind)
        {
            case FindingKind.Unreadable or FindingKind.Blank or FindingKind.Blurred or FindingKind.Tiny:
                values.IsPoorPicture = 1;
                break;
            case FindingKind.Duplicate:
                values.IsDuplicate = 1;
                break;
            case FindingKind.DuplicateAcrossSplits:
                values.IsInOtherSplit = 1;
                break;
            case FindingKind.LikelyLabelError:
                (values.IsLikelyLabelError, values.SuggestedLabel) = (1, finding.SuggestedLabel!);
                break;
        }
    }

    private sealed class Values
    {
        public float FindingCount { get; set; }

        public float IsPoorPicture { get; set; }

        public float IsDuplicate { get; set; }

        public float IsInOtherSplit { get; set; }

        public float IsLikelyLabelError { get; set; }

        public float LabelQuality { get; set; }

        public string SuggestedLabel { get; set; } = "";
    }
}
