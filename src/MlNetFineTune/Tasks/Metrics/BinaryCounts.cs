namespace MlNetFineTune.Tasks;

/// <summary>
/// The weighted confusion matrix of a binary prediction. A ratio with denominator 0 is 0, as with scikit-learn's <c>zero_division=0</c>.
/// </summary>
internal readonly record struct BinaryCounts(double TruePositives, double FalsePositives, double FalseNegatives, double TrueNegatives)
{
    public double Precision => Ratio(TruePositives, TruePositives + FalsePositives);

    public double Recall => Ratio(TruePositives, TruePositives + FalseNegatives);

    /// <summary>The harmonic mean of precision and recall (van Rijsbergen 1979).</summary>
    public double F1 => Ratio(2 * TruePositives, 2 * TruePositives + FalsePositives + FalseNegatives);

    public double Accuracy => Ratio(TruePositives + TrueNegatives, TruePositives + FalsePositives + FalseNegatives + TrueNegatives);

    /// <summary>The counts with one more row.</summary>
    public BinaryCounts With(bool isPositive, bool isPredicted) => (isPositive, isPredicted) switch
    {
        (true, true) => this with { TruePositives = TruePositives + 1 },
        (true, false) => this with { FalseNegatives = FalseNegatives + 1 },
        (false, true) => this with { FalsePositives = FalsePositives + 1 },
        (false, false) => this with { TrueNegatives = TrueNegatives + 1 },
    };

    private static double Ratio(double part, double whole) => whole > 0 ? part / whole : 0;
}
