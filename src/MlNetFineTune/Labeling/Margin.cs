namespace MlNetFineTune.Labeling;

/// <summary>The two most probable classes of a row.</summary>
/// <param name="First">The most probable class, from 0.</param>
/// <param name="Second">The second most probable class, from 0.</param>
/// <param name="Larger">Probability of the first, 0 to 1.</param>
/// <param name="Smaller">Probability of the second, 0 to 1.</param>
internal readonly record struct Margin(int First, int Second, float Larger, float Smaller)
{
    // Sums of softmax outputs differ from 1 by rounding alone; those of independent probabilities, as of a multi-label model, by more.
    private const float LargestError = 0.01f;

    /// <summary>Difference of the probabilities, 0 to 1.</summary>
    public float Value => Larger - Smaller;

    /// <param name="probabilities">Probabilities of the classes. At least two.</param>
    /// <returns>Null if they are no probabilities of classes that exclude each other.</returns>
    public static Margin? Of(ReadOnlySpan<float> probabilities)
    {
        var (first, second) = probabilities[0] >= probabilities[1] ? (0, 1) : (1, 0);
        var sum = 0f;
        for (var c = 0; c < probabilities.Length; c++)
        {
            if (!(probabilities[c] is >= 0 and <= 1 + LargestError))
                return null;
            sum += probabilities[c];
            if (c < 2)
                continue;
            if (probabilities[c] > probabilities[first])
                (first, second) = (c, first);
            else if (probabilities[c] > probabilities[second])
                second = c;
        }
        return Math.Abs(sum - 1) <= LargestError ? new(first, second, probabilities[first], probabilities[second]) : null;
    }
}
