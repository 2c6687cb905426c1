namespace MlNetFineTune.Tasks;

/// <summary>
/// The reliability diagram: of the rows whose prediction has about the same probability, the share that is right (DeGroot and Fienberg
/// 1983; Guo et al. 2017, https://arxiv.org/abs/1706.04599, figure 1).
/// </summary>
internal static class ReliabilityDiagram
{
    private const int Bins = 10;

    /// <param name="predictions">Predictions of all rows. At least one.</param>
    public static IReadOnlyList<(double Confidence, double Accuracy, int Rows)> PointsOf(IReadOnlyList<JudgedPrediction> predictions) =>
    [
        .. predictions.GroupBy(prediction => Math.Clamp((int)(prediction.Score * Bins), 0, Bins - 1)).OrderBy(bin => bin.Key)
            .Select(bin => (bin.Average(one => one.Score), bin.Average(one => one.IsRight ? 1.0 : 0), bin.Count())),
    ];

    /// <param name="predictions">Predictions of all rows. At least one.</param>
    public static ReportSection Of(IReadOnlyList<JudgedPrediction> predictions)
    {
        var axis = Axis.Linear([0, 1]);
        var chart = new Chart("Accuracy (up) against probability of the prediction", "probability", axis, axis,
        [
            new("calibrated", SeriesLook.Guide, [(0, 0), (1, 1)]),
            new("", SeriesLook.First, [.. PointsOf(predictions).Select(point => (point.Confidence, point.Accuracy))]),
        ]);
        return new("Reliability",
        [
            new ReportBlock.Paragraph(FormattableString.Invariant(
                $"Below the straight line probabilities are too high, above it too low. Expected calibration error ")
                + FormattableString.Invariant($"{CalibrationError.Of(predictions):0.0000} (15 bins).")),
            new ReportBlock.Charts(chart),
        ]);
    }
}
