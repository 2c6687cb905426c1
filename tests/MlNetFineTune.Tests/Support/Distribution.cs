namespace MlNetFineTune.Tests.Support;

/// <summary>Whether numbers are distributed as they should be. Seeds are fixed, so that a test passes always or never.</summary>
internal static class Distribution
{
    /// <summary>Kolmogorov and Smirnov: one sample in a thousand is farther than 1.95 / sqrt(n) from its distribution.</summary>
    public static void Follows(IEnumerable<double> values, Func<double, double> cumulative, string what)
    {
        var sorted = values.Order().ToArray();
        var distance = sorted.Select((value, i) => Math.Max(Math.Abs(cumulative(value) - i / (double)sorted.Length), Math.Abs(cumulative(value) - (i + 1.0) / sorted.Length))).Max();
        Assert.IsLessThan(1.95 / Math.Sqrt(sorted.Length), distance, $"{what}: Kolmogorov-Smirnov distance of {sorted.Length} values from {sorted[0]} to {sorted[^1]}");
    }

    public static void IsUniform(IEnumerable<double> values, double minimum, double maximum, string what) =>
        Follows(values, value => Math.Clamp((value - minimum) / (maximum - minimum), 0, 1), what);

    /// <summary>
    /// Chi-square of so many values, each expected equally often: by Wilson and Hilferty's approximation, one sample in a thousand is above
    /// k (1 - 2 / (9 k) + 3.09 sqrt(2 / (9 k)))^3 with k degrees of freedom.
    /// </summary>
    public static void IsEven<T>(IEnumerable<T> values, int kinds, string what)
        where T : notnull
    {
        var counts = values.GroupBy(value => value).Select(group => group.Count()).ToArray();
        Assert.HasCount(kinds, counts, $"{what}: kinds");
        var (expected, k) = (counts.Sum() / (double)kinds, kinds - 1.0);
        var critical = k * Math.Pow(1 - 2 / (9 * k) + 3.09 * Math.Sqrt(2 / (9 * k)), 3);
        Assert.IsLessThan(critical, counts.Sum(count => (count - expected) * (count - expected) / expected), $"{what}: chi-square of {kinds} kinds");
    }

    /// <summary>Of 10,000 trials, within 3.3 standard deviations: one sample in a thousand is farther.</summary>
    public static void IsShare(int count, double share, string what) =>
        Assert.AreEqual(share, count / 10_000.0, 3.3 * Math.Sqrt(share * (1 - share) / 10_000) + 1e-9, what);
}
