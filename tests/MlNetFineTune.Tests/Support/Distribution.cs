namespace MlNetFineTune.Tests.Support;

/// <summary>Draws against a reference distribution.</summary>
internal static class Distribution
{
    /// <summary>Kolmogorov and Smirnov: draws from the distribution exceed this distance once in a thousand times.</summary>
    public static double Limit(int draws) => 1.95 / Math.Sqrt(draws);

    /// <summary>The share of the draws below each point must be the cumulative probability; equal draws (whole pixels) make that share a range.</summary>
    public static void Matches(IReadOnlyList<double> points, IReadOnlyList<double> cumulative, IReadOnlyList<double> draws, string what)
    {
        var limit = Limit(draws.Count);
        for (var i = 0; i < points.Count; i++)
        {
            var (below, upTo) = (draws.Count(v => v < points[i] - 1e-5) / (double)draws.Count, draws.Count(v => v <= points[i] + 1e-5) / (double)draws.Count);
            Assert.IsTrue(below - limit <= cumulative[i] && cumulative[i] <= upTo + limit, $"{what}: from {below} to {upTo} of the draws are below {points[i]}, expected {cumulative[i]} within {limit}");
        }
    }
}
