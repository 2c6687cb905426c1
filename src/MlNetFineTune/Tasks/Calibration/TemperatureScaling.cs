namespace MlNetFineTune.Tasks;

/// <summary>
/// The maximum likelihood temperature T of softmax(z / T) for given labels (Guo et al. 2017, section 4.2). In b = 1 / T the mean negative
/// log-likelihood L(b) = mean(log sum exp(b z) - b z_label) is convex, with L' = mean(E[z] - z_label) and L'' = mean(Var[z]) under p =
/// softmax(b z): Newton's method finds the root of L', safeguarded by a shrinking bracket.
/// </summary>
internal static class TemperatureScaling
{
    public const double Least = 0.05;
    public const double Greatest = 20;

    private const double Precision = 1e-12;

    /// <param name="logits">[rows][classes].</param>
    /// <param name="labels">Class of each row, from 0.</param>
    /// <returns>
    /// Null if the optimum is not between <see cref="Least"/> and <see cref="Greatest"/>: if all rows are classified correctly, the
    /// likelihood always increases with a smaller temperature.
    /// </returns>
    public static double? Fit(IReadOnlyList<double[]> logits, IReadOnlyList<int> labels)
    {
        var (low, high, inverse) = (1 / Greatest, 1 / Least, 1.0);
        if (!(Slopes(low).First < 0 && Slopes(high).First > 0))
            return null;
        while (high - low > Precision * high)
        {
            var (first, second) = Slopes(inverse);
            if (first == 0)
                break;
            (low, high) = first < 0 ? (inverse, high) : (low, inverse);
            var next = inverse - first / second;
            if (Math.Abs(next - inverse) <= Precision * inverse)
                break;
            inverse = next > low && next < high ? next : (low + high) / 2;
        }
        return 1 / inverse;

        (double First, double Second) Slopes(double b)
        {
            var (sum, sumOfVariances) = (0.0, 0.0);
            for (var row = 0; row < logits.Count; row++)
            {
                var (z, p) = (logits[row], Softmax(logits[row], 1 / b));
                var (mean, square) = (0.0, 0.0);
                for (var c = 0; c < z.Length; c++)
                {
                    // Relative to the label's logit, which avoids cancellation.
                    var distance = z[c] - z[labels[row]];
                    (mean, square) = (mean + p[c] * distance, square + p[c] * distance * distance);
                }
                (sum, sumOfVariances) = (sum + mean, sumOfVariances + square - mean * mean);
            }
            return (sum / logits.Count, sumOfVariances / logits.Count);
        }
    }

    /// <summary>Mean negative log-likelihood of the labels.</summary>
    public static double Loss(IReadOnlyList<double[]> logits, IReadOnlyList<int> labels, double temperature)
    {
        var sum = 0.0;
        for (var row = 0; row < logits.Count; row++)
        {
            var z = logits[row];
            var max = z.Max();
            sum += Math.Log(z.Sum(value => Math.Exp((value - max) / temperature))) + (max - z[labels[row]]) / temperature;
        }
        return sum / logits.Count;
    }

    public static double[] Softmax(double[] logits, double temperature)
    {
        var max = logits.Max();
        var powers = Array.ConvertAll(logits, value => Math.Exp((value - max) / temperature));
        var sum = powers.Sum();
        return Array.ConvertAll(powers, power => power / sum);
    }
}
