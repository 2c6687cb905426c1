namespace MlNetFineTune.Tasks;

/// <summary>
/// From which score on a class's predictions are right often enough: see <see cref="Calibration.Report.RejectThresholds"/>.
/// </summary>
internal static class RejectThreshold
{
    /// <summary>A precision of fewer rows says nothing.</summary>
    public const int LeastRows = 10;

    /// <param name="predictions">Those of the class.</param>
    /// <param name="precision">The target.</param>
    /// <returns>Null where no score reaches it.</returns>
    public static float? Of(IEnumerable<JudgedPrediction> predictions, double precision)
    {
        var (rows, right) = (0, 0);
        float? threshold = null;
        // Rows of the same score pass together.
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
