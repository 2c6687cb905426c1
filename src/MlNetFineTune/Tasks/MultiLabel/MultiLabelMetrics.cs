using System.Globalization;

namespace MlNetFineTune;

/// <summary>
/// How good the predictions of a multi-label model are, by scikit-learn's definitions (with <c>zero_division=0</c>). Average precision
/// judges the scores, whatever the thresholds; the other metrics judge the predicted labels. All are fractions from 0 to 1.
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
    /// Mean average precision, mAP: the plain mean of <see cref="PerLabelAveragePrecision"/>, without the labels that no row has. Higher is
    /// better. NaN where no row has any label.
    /// </summary>
    public double MeanAveragePrecision { get; }

    /// <summary>
    /// F1, the harmonic mean of precision and recall, of all labels and rows together: frequent labels count most. Higher is better. 0
    /// where no label is there nor predicted.
    /// </summary>
    public double MicroF1 { get; }

    /// <summary>
    /// The plain mean of <see cref="PerLabelF1"/>: rare labels count as much as frequent ones. Higher is better. A label that is never
    /// there nor predicted counts as 0.
    /// </summary>
    public double MacroF1 { get; }

    /// <summary>The F1 of each label, in the order of <see cref="LabelNames"/>. 0 for a label that is never there nor predicted.</summary>
    public IReadOnlyList<double> PerLabelF1 { get; }

    /// <summary>The share of wrong answers among all, rows times labels. Lower is better. NaN without rows.</summary>
    public double HammingLoss { get; }

    /// <summary>The share of rows whose predicted labels are exactly the true ones. Higher is better. NaN without rows.</summary>
    public double SubsetAccuracy { get; }

    /// <summary>
    /// The average precision of each label, in the order of <see cref="LabelNames"/>: the area under its precision-recall curve, without
    /// interpolation. NaN for a label that no row has.
    /// </summary>
    public IReadOnlyList<double> PerLabelAveragePrecision { get; }

    /// <summary>The labels by name, in the order of the scores; their numbers from 0 where the columns name none.</summary>
    public IReadOnlyList<string> LabelNames { get; }

    /// <summary>The rows that were judged.</summary>
    public long Rows { get; }

    /// <summary>
    /// Rows that were left out because a score is missing (NaN), such as pictures that could not be read. Where there are many, the metrics
    /// are better than the model.
    /// </summary>
    public long RowsLeftOut { get; }

    /// <summary>Names and values of what is one number, the same in every culture.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{nameof(MultiLabelMetrics)} {{ {nameof(MeanAveragePrecision)} = {MeanAveragePrecision}, {nameof(MicroF1)} = {MicroF1}, "
        + $"{nameof(MacroF1)} = {MacroF1}, {nameof(HammingLoss)} = {HammingLoss}, {nameof(SubsetAccuracy)} = {SubsetAccuracy}, "
        + $"{nameof(Rows)} = {Rows}, {nameof(RowsLeftOut)} = {RowsLeftOut} }}");
}
