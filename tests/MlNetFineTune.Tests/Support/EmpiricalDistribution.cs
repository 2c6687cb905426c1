using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tests.Support;

/// <summary>Draws against a reference distribution.</summary>
internal static class EmpiricalDistribution
{
    /// <summary>Kolmogorov and Smirnov: draws from the distribution exceed this distance once in a thousand times.</summary>
    public static double Limit(int draws) => 1.95 / Math.Sqrt(draws);

    /// <summary>The share of the draws below each point must be the cumulative probability;
    /// equal draws (whole pixels) make that share a range.</summary>
    public static void Matches(IReadOnlyList<double> points, IReadOnlyList<double> cumulative, IReadOnlyList<double> draws, string what)
    {
        var limit = Limit(draws.Count);
        for (var i = 0; i < points.Count; i++)
        {
            var (below, upTo) = (draws.Count(v => v < points[i] - 1e-5) / (double)draws.Count,
                draws.Count(v => v <= points[i] + 1e-5) / (double)draws.Count);
            Assert.IsTrue(below - limit <= cumulative[i] && cumulative[i] <= upTo + limit,
                $"{what}: from {below} to {upTo} of the draws are below {points[i]}, expected {cumulative[i]} within {limit}");
        }
    }

    /// <summary>The draws' cumulative shares are those of a continuous distribution.</summary>
    public static void Follows(IEnumerable<double> draws, Func<double, double> cumulative, string what)
    {
        var sorted = draws.Order().ToArray();
        var distance =
            sorted.Select(
                (value, i) => Math.Max(Math.Abs(cumulative(value) - i / (double)sorted.Length),
                Math.Abs(cumulative(value) - (i + 1.0) / sorted.Length))).Max();
        Assert.IsLessThan(Limit(sorted.Length), distance,
            $"{what}: Kolmogorov-Smirnov distance of {sorted.Length} draws from {sorted[0]} to {sorted[^1]}");
    }

    public static void IsUniform(IEnumerable<double> draws, double minimum, double maximum, string what) =>
        Follows(draws, value => Math.Clamp((value - minimum) / (maximum - minimum), 0, 1), what);

    /// <summary>
    /// Chi-square of draws that each occur equally often: by Wilson and Hilferty's approximation, one sample in a thousand is above
    /// k (1 - 2 / (9 k) + 3.09 sqrt(2 / (9 k)))^3 with k degrees of freedom.
    /// </summary>
    public static void IsEven<T>(IEnumerable<T> draws, int kinds, string what)
        where T : notnull
    {
        var counts = draws.GroupBy(draw => draw).Select(group => group.Count()).ToArray();
        Assert.HasCount(kinds, counts, $"{what}: kinds");
        var (expected, k) = (counts.Sum() / (double)kinds, kinds - 1.0);
        var critical = k * Math.Pow(1 - 2 / (9 * k) + 3.09 * Math.Sqrt(2 / (9 * k)), 3);
        Assert.IsLessThan(critical, counts.Sum(count => (count - expected) * (count - expected) / expected),
            $"{what}: chi-square of {kinds} kinds");
    }

    /// <summary>Within 3.3 standard deviations of the binomial distribution: one sample in a thousand is farther.</summary>
    public static void IsShare(int count, int draws, double share, string what) =>
        Assert.AreEqual(share, count / (double)draws, 3.3 * Math.Sqrt(share * (1 - share) / draws) + 1e-9, what);
}
