namespace MlNetFineTune.Tasks;

/// <summary>
/// How much the coverage varies. Given n calibration rows, the coverage of new rows is distributed as Beta(r, n + 1 - r) with r =
/// ceil((n + 1) c) (Vovk 2012; Angelopoulos and Bates 2021, section 3.2). Its distribution function at x is the probability that of n rows
/// with a probability of x each, r or more come true.
/// </summary>
internal static class CoverageSpread
{
    /// <summary>The 5 % and 95 % quantiles of the coverage over calibrations with this many rows.</summary>
    /// <param name="rows">n, at least <see cref="ConformalQuantile.RowsNeeded"/>.</param>
    /// <param name="coverage">c. Above 0, below 1.</param>
    public static (double Low, double High) Of(int rows, float coverage)
    {
        var rank = ConformalQuantile.RankOf(rows, coverage);
        return (Quantile(rows, rank, 0.05), Quantile(rows, rank, 0.95));
    }

    /// <summary>The 95 % interval of a proportion (Wilson 1927).</summary>
    public static (double Low, double High) Wilson(int successes, int rows)
    {
        const double z = 1.959963984540054; // the 97.5 % quantile of the normal distribution
        var (p, square) = ((double)successes / rows, z * z / rows);
        var (middle, half) = (p + square / 2, z * Math.Sqrt(p * (1 - p) / rows + square / (4 * rows)));
        return (Math.Max(0, (middle - half) / (1 + square)), Math.Min(1, (middle + half) / (1 + square)));
    }

    private static double Quantile(int rows, int rank, double probability)
    {
        var (low, high) = (0.0, 1.0);
        for (var step = 0; step < 60; step++)
        {
            var middle = (low + high) / 2;
            (low, high) = AtLeast(rows, rank, middle) < probability ? (middle, high) : (low, middle);
        }
        return (low + high) / 2;
    }

    // P(Bin(n, x) >= r), summed from the smallest terms.
    private static double AtLeast(int rows, int rank, double x)
    {
        var sum = 0.0;
        for (var k = rows; k >= rank; k--)
        {
            sum += Math.Exp(
                LogFactorial(rows) - LogFactorial(k) - LogFactorial(rows - k) + k * Math.Log(x) + (rows - k) * Math.Log(1 - x));
        }
        return sum;
    }

    // Stirling's series, whose error is below 1e-10 from 10 on.
    private static double LogFactorial(int n)
    {
        if (n < 10)
            return Enumerable.Range(1, n).Sum(i => Math.Log(i));
        double x = n;
        return x * Math.Log(x) - x + Math.Log(2 * Math.PI * x) / 2 + 1 / (12 * x) - 1 / (360 * x * x * x) + 1 / (1260 * Math.Pow(x, 5));
    }
}
