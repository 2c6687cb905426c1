namespace MlNetFineTune.Tasks;

/// <summary>
/// The mean negative logarithm of the probability of the true class, in nats (scikit-learn's <c>log_loss</c>). Probabilities are clipped to
/// [2^-52, 1 - 2^-52], so that one confidently wrong row contributes 36 instead of infinity.
/// </summary>
internal static class LogLoss
{
    private const double Least = 1.0 / (1L << 52);

    /// <param name="probabilities">[rows, classes] in row-major order. Normalised to a sum of 1 per row.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="labels">Class of each row, from 0.</param>
    /// <param name="weights">One per row, at least 0; empty if all are 1.</param>
    /// <returns>NaN without rows, and where a probability is NaN.</returns>
    public static double Of(
        ReadOnlySpan<double> probabilities, int classes, ReadOnlySpan<int> labels, ReadOnlySpan<float> weights = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        if (probabilities.Length % classes != 0)
            throw new ArgumentException($"{probabilities.Length} probabilities are no rows of {classes} classes.", nameof(probabilities));
        RowArguments.Check(probabilities.Length / classes, labels.Length, weights);
        var (sum, total) = (0.0, 0.0);
        for (var row = 0; row < labels.Length; row++)
        {
            var weight = weights.IsEmpty ? 1.0 : weights[row];
            if (weight == 0)
                continue;
            if (labels[row] < 0 || labels[row] >= classes)
                throw new ArgumentException($"Row {row} has the class {labels[row]} of {classes}.", nameof(labels));
            var whole = 0.0;
            foreach (var probability in probabilities.Slice(row * classes, classes))
                whole += Bounded(probability);
            sum -= weight * Math.Log(Bounded(probabilities[row * classes + labels[row]]) / whole);
            total += weight;
        }
        return sum / total;
    }

    /// <param name="probabilities">Probability that each row is positive.</param>
    /// <param name="labels">Whether each row is positive.</param>
    /// <param name="weights">One per row, at least 0; empty if all are 1.</param>
    /// <returns>NaN without rows, and where a probability is NaN.</returns>
    public static double OfBinary(ReadOnlySpan<double> probabilities, ReadOnlySpan<bool> labels, ReadOnlySpan<float> weights = default)
    {
        RowArguments.Check(probabilities.Length, labels.Length, weights);
        var (sum, total) = (0.0, 0.0);
        for (var row = 0; row < labels.Length; row++)
        {
            var weight = weights.IsEmpty ? 1.0 : weights[row];
            if (weight == 0)
                continue;
            var probability = Bounded(probabilities[row]);
            sum -= weight * Math.Log(labels[row] ? probability : 1 - probability);
            total += weight;
        }
        return sum / total;
    }

    private static double Bounded(double probability) => Math.Clamp(probability, Least, 1 - Least);
}
