namespace MlNetFineTune.Soak;

/// <summary>Whether a series of numbers grows.</summary>
internal static class Growth
{
    /// <summary>
    /// The median of the slopes between all pairs of points (Theil 1950, Sen 1968), times the length of the series: a single cycle with
    /// more does not change it, a steady leak does.
    /// </summary>
    /// <param name="values">At equal distances.</param>
    public static double Of(IReadOnlyList<double> values)
    {
        var slopes = new List<double>(values.Count * (values.Count - 1) / 2);
        for (var i = 0; i < values.Count; i++)
        {
            for (var k = i + 1; k < values.Count; k++)
                slopes.Add((values[k] - values[i]) / (k - i));
        }
        slopes.Sort();
        return slopes.Count == 0 ? 0 : slopes[slopes.Count / 2] * (values.Count - 1);
    }
}
