using System.Globalization;

namespace MlNetFineTune;

/// <summary>
/// Metrics of a multi-label model with scikit-learn's definitions (with <c>zero_division=0</c>). Average precision is computed from the
/// scores, the other metrics from the predicted labels. All are from 0 to 1; rows are not weighted.
/// </summary>
public sealed record MultiLabelMetrics
{
    internal MultiLabelMetrics(
        double meanAveragePrecision, double microF1, double macroF1, IReadOnlyList<double> perLabelF1, double hammingLoss,
        double subsetAccuracy, IReadOnlyList<double> perLabelAveragePrecision, IReadOnlyList<string> labelNames, long rows,
        long rowsLeftOut)
    {
        MeanAveragePrecision = meanAveragePrecision;
        MicroF1 = microF1;
        MacroF1 = macroF1;
        PerLabelF1 = perLabelF1;
        HammingLoss = hammingLoss;
        SubsetAccuracy = subsetAccuracy;
        PerLabelAveragePrecision = perLabelAveragePrecision;
        LabelNames = labelNames;
        Rows = rows;
        RowsLeftOut = rowsLeftOut;
    }

    /// <summary>
    /// Mean average precision (mAP): the unweighted mean of <see cref="PerLabelAveragePrecision"/>, without labels that no row has. Higher
    /// is better. NaN if no row has any label.
    /// </summary>
    public double MeanAveragePrecision { get; }

    /// <summary>
    /// F1, the harmonic mean of precision and recall, over all labels and rows together, so that frequent labels count most. Higher is
    /// better. 0 if no label is present or predicted.
    /// </summary>
    public double MicroF1 { get; }

    /// <summary>
    /// The unweighted mean of <see cref="PerLabelF1"/>, so that rare labels count as much as frequent ones. Higher is better. A label that
    /// is never present or predicted counts as 0.
    /// </summary>
    public double MacroF1 { get; }

    /// <summary>F1 of each label, in the order of <see cref="LabelNames"/>. 0 for a label that is never present or predicted.</summary>
    public IReadOnlyList<double> PerLabelF1 { get; }

    /// <summary>The fraction of wrong predictions among all pairs of row and label. Lower is better. NaN without rows.</summary>
    public double HammingLoss { get; }

    /// <summary>The fraction of rows whose predicted labels are exactly the true labels. Higher is better. NaN without rows.</summary>
    public double SubsetAccuracy { get; }

    /// <summary>
    /// Average precision of each label, in the order of <see cref="LabelNames"/>: the area under its precision-recall curve, without
    /// interpolation. NaN for a label that no row has.
    /// </summary>
    public IReadOnlyList<double> PerLabelAveragePrecision { get; }

    /// <summary>Names of the labels, in the order of the scores; their indices from 0 if the columns have no names.</summary>
    public IReadOnlyList<string> LabelNames { get; }

    /// <summary>Number of evaluated rows.</summary>
    public long Rows { get; }

    /// <summary>
    /// Number of rows excluded because a score is NaN, such as pictures that could not be read. If there are many, the metrics are too
    /// optimistic.
    /// </summary>
    public long RowsLeftOut { get; }

    /// <summary>Names and values of the single numbers as text, in the invariant culture.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{nameof(MultiLabelMetrics)} {{ {nameof(MeanAveragePrecision)} = {MeanAveragePrecision}, {nameof(MicroF1)} = {MicroF1}, "
        + $"{nameof(MacroF1)} = {MacroF1}, {nameof(HammingLoss)} = {HammingLoss}, {nameof(SubsetAccuracy)} = {SubsetAccuracy}, "
        + $"{nameof(Rows)} = {Rows}, {nameof(RowsLeftOut)} = {RowsLeftOut} }}");
}
