using System.Globalization;
using Microsoft.ML;

namespace MlNetFineTune;

/// <summary>
/// The result of <c>ml.FineTuning.Examine</c>: findings about the data, as rows, as a data view, and as columns beside the examined data by
/// which rows can be filtered. Holds no pictures and no tensors.
/// </summary>
public sealed class DataExamination
{
    internal DataExamination(
        IReadOnlyList<Finding> findings, double labelAgreement, IDataView findingsView, IDataView train, IDataView? test) =>
        (Findings, LabelAgreement, FindingsView, Train, Test) = (findings, labelAgreement, findingsView, train, test);

    /// <summary>What was found.</summary>
    public enum FindingKind
    {
        /// <summary>
        /// The picture is missing or cannot be read. Training stops at it, or leaves the row out with <see cref="BadRows.Skip"/>.
        /// </summary>
        Unreadable,

        /// <summary>The row has no label. Training leaves it out.</summary>
        NoLabel,

        /// <summary>The picture has next to no contrast. The score is its contrast in grey levels.</summary>
        Blank,

        /// <summary>Even the sharpest part of the picture is blurred. The score is its sharpness.</summary>
        Blurred,

        /// <summary>The picture has few pixels. The score is its shorter side.</summary>
        Tiny,

        /// <summary>
        /// The picture is stored rotated or mirrored, with an EXIF orientation that says so. This library turns it upright; programs that
        /// ignore the orientation see it otherwise. The score is the orientation, 2 to 8.
        /// </summary>
        ExifOrientation,

        /// <summary>
        /// The picture is a near-duplicate of an earlier row of the same split, the most similar of which is the other row. The score is
        /// the similarity.
        /// </summary>
        Duplicate,

        /// <summary>
        /// A picture of the test data is a near-duplicate of a training picture, the most similar of which is the other row. The score is
        /// the similarity. The test then measures memory.
        /// </summary>
        DuplicateAcrossSplits,

        /// <summary>
        /// A model that was not trained on the row is confident of another class. The score is its probability of the label.
        /// </summary>
        LikelyLabelError,

        /// <summary>A class has few training rows. The score is their number.</summary>
        FewRows,

        /// <summary>
        /// The largest class has many times as many training rows as the smallest. The score is the ratio.
        /// </summary>
        Imbalance,

        /// <summary>A class is only in the training or only in the test data. The score is the number of its rows.</summary>
        OnlyInOneSplit,

        /// <summary>
        /// Rows are sorted by label. The score is the number of changes of the label from row to row, as a fraction of that of a random
        /// order.
        /// </summary>
        SortedByLabel,
    }

    /// <summary>All findings: by kind, and the most serious of each kind first.</summary>
    public IReadOnlyList<Finding> Findings { get; }

    /// <summary>
    /// How far likely label errors can be trusted: the fraction of judged rows, 0 to 1, of which the model that was not trained on them
    /// predicts the label. Below about 0.9 most of the reported rows have the right label, and only their order is of use. NaN if no row
    /// was judged.
    /// </summary>
    public double LabelAgreement { get; }

    /// <summary>
    /// The findings as a data view with the columns Kind, Split ("train" or "test"), Row, Path, OtherSplit, OtherRow, OtherPath, Score,
    /// SuggestedLabel and Advice. A missing row is -1, a missing text empty.
    /// </summary>
    public IDataView FindingsView { get; }

    /// <summary>
    /// The training data with the columns of the findings. Lazy: the data are read again by position, so that their order must not change.
    /// <list type="table">
    /// <item><term>FindingCount</term><description>Single: number of findings about the row.</description></item>
    /// <item><term>IsPoorPicture</term><description>Single, 1 or 0: unreadable, blank, blurred or tiny.</description></item>
    /// <item><term>IsDuplicate</term><description>Single, 1 or 0: a near-duplicate of an earlier row of the split.</description></item>
    /// <item><term>IsInOtherSplit</term><description>Single, 1 or 0: a near-duplicate of a row of the other split.</description></item>
    /// <item><term>IsLikelyLabelError</term><description>Single, 1 or 0.</description></item>
    /// <item><term>LabelQuality</term><description>Single, 0 to 1: out-of-fold probability of the label; 1 if the row was not judged.
    /// </description></item>
    /// <item><term>SuggestedLabel</term><description>Text: the class that a likely label error seems to have; otherwise empty.
    /// </description></item>
    /// </list>
    /// For <c>ml.Data.FilterRowsByColumn(examination.Train, "IsDuplicate", upperBound: 1)</c>, which keeps rows below 1.
    /// </summary>
    public IDataView Train { get; }

    /// <summary>The test data with the columns of <see cref="Train"/>; null if there are none.</summary>
    public IDataView? Test { get; }

    /// <summary>The numbers of findings of each kind, for a log.</summary>
    public override string ToString() => Findings.Count == 0 ? "no findings" : string.Join(", ", Findings.GroupBy(finding => finding.Kind)
        .Select(same => string.Create(CultureInfo.InvariantCulture, $"{same.Key} {same.Count()}")));

    /// <summary>A finding.</summary>
    public sealed record Finding
    {
        internal Finding()
        {
        }

        /// <summary>What was found.</summary>
        public required FindingKind Kind { get; init; }

        /// <summary>Whether the row, or all of the finding, belongs to the test data; otherwise to the training data.</summary>
        public required bool InTest { get; init; }

        /// <summary>Position of the row in its data view, from 0; null if the finding is about all rows.</summary>
        public long? Row { get; init; }

        /// <summary>Path of the row's picture; null if it is not from a file.</summary>
        public string? Path { get; init; }

        /// <summary>Whether the other row belongs to the test data.</summary>
        public bool OtherInTest { get; init; }

        /// <summary>Position of the other row of a pair in its data view; null without one.</summary>
        public long? OtherRow { get; init; }

        /// <summary>Path of the other row's picture; null if there is none.</summary>
        public string? OtherPath { get; init; }

        /// <summary>A number of the kind, described there; NaN if there is none.</summary>
        public float Score { get; init; } = float.NaN;

        /// <summary>For a likely label error, the class that the model is confident of; otherwise null.</summary>
        public string? SuggestedLabel { get; init; }

        /// <summary>What is wrong, and what to do.</summary>
        public required string Advice { get; init; }

        /// <summary>Kind, row and advice as text, with the same numbers in every culture.</summary>
        public override string ToString()
        {
            var row = Row is { } ordinal ? string.Create(CultureInfo.InvariantCulture, $" row {ordinal}") : "";
            var path = Path is null ? "" : $" ({SafeText.Quoted(Path, SafeText.SentenceLength)})";
            return $"{Kind}, {(InTest ? "test" : "train")}{row}{path}: {Advice}";
        }
    }
}
