namespace MlNetFineTune.Tasks;

/// <summary>Argument checks of metrics and statistics.</summary>
internal static class RowArguments
{
    /// <param name="scored">Number of scores.</param>
    /// <param name="labelled">Number of labels.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void Check(int scored, int labelled)
    {
        if (scored != labelled)
            throw new ArgumentException($"There are scores of {scored} rows and labels of {labelled}.");
    }

    /// <exception cref="ArgumentException">
    /// The number of weights is not the number of rows, or a weight is negative or not finite.
    /// </exception>
    public static void CheckWeights(int rows, ReadOnlySpan<float> weights)
    {
        if (weights.Length != 0 && weights.Length != rows)
            throw new ArgumentException($"There are {weights.Length} weights for {rows} rows.", nameof(weights));
        for (var row = 0; row < weights.Length; row++)
        {
            if (!(weights[row] >= 0 && float.IsFinite(weights[row])))
                throw new ArgumentException(FormattableString.Invariant($"Row {row} has the weight {weights[row]}."), nameof(weights));
        }
    }
}
