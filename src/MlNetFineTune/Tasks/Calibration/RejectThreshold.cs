namespace MlNetFineTune.Tasks;

/// <summary>
/// The smallest score at which the predictions of a class reach a target precision: see <see cref="Calibration.Report.RejectThresholds"/>.
/// </summary>
internal static class RejectThreshold
{
    /// <summary>A precision of fewer rows is not reliable.</summary>
    public const int LeastRows = 10;

    /// <param name="predictions">The predictions of the class.</param>
    /// <param name="precision">The target precision.</param>
    /// <returns>Null if no score reaches the target.</returns>
    public static float? Of(IEnumerable<JudgedPrediction> predictions, double precision)
    {
        var (rows, right) = (0, 0);
        float? threshold = null;
        // Rows with equal scores are accepted together.
        foreach (var same in predictions.GroupBy(prediction => (float)prediction.Score).OrderByDescending(group => group.Key))
        {
            rows += same.Count();
            right += same.Count(prediction => prediction.IsRight);
            if (rows >= LeastRows && (double)right / rows >= precision)
                threshold = same.Key;
        }
        return threshold;
    }
}
