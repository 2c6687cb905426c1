namespace MlNetFineTune.Tasks;

/// <summary>
/// Expected calibration error: the sum over bins of fraction of rows * |accuracy - mean confidence| (Guo et al. 2017, equation 3), with 15
/// bins as in the paper.
/// </summary>
internal static class CalibrationError
{
    private const int Bins = 15;

    /// <param name="predictions">Predictions of all rows.</param>
    public static double Of(IReadOnlyList<JudgedPrediction> predictions) => predictions
        .GroupBy(prediction => Math.Max((int)Math.Ceiling(prediction.Score * Bins), 1)) // (0, 1/15], (1/15, 2/15] ...
        .Sum(bin => Math.Abs(bin.Sum(prediction => (prediction.IsRight ? 1 : 0) - prediction.Score))) / predictions.Count;
}

/// <summary>A predicted class, its probability, and whether it is correct.</summary>
/// <param name="Class">The most probable class.</param>
/// <param name="Score">Probability of the predicted class.</param>
/// <param name="IsRight">Whether the class is the label.</param>
internal readonly record struct JudgedPrediction(int Class, double Score, bool IsRight)
{
    public static JudgedPrediction Of(double[] probabilities, int label)
    {
        var best = Array.IndexOf(probabilities, probabilities.Max());
        return new(best, probabilities[best], best == label);
    }
}
