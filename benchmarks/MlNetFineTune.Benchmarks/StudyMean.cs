using System.Globalization;

namespace MlNetFineTune.Benchmarks;

/// <summary>Mean and standard deviation over seeds, as text.</summary>
internal static class StudyMean
{
    public static string Of<T>(IReadOnlyList<T> results, Func<T, double> of, string format = "0.000")
    {
        var mean = results.Average(of);
        var deviation = Math.Sqrt(results.Sum(one => (of(one) - mean) * (of(one) - mean)) / Math.Max(1, results.Count - 1));
        return string.Create(CultureInfo.InvariantCulture, $"{mean.ToString(format, CultureInfo.InvariantCulture)} "
            + $"({deviation.ToString(format, CultureInfo.InvariantCulture)})");
    }
}
