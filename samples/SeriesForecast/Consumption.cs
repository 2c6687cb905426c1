using Microsoft.ML.Data;

namespace SeriesForecast;

/// <summary>Two days of hourly consumption, and the hour after them.</summary>
internal sealed class Window
{
    public const int Hours = 48;

    /// <summary>
    /// For each hour, oldest first: the consumption, and whether the next hour is on a day off (the calendar is known). Two numbers per
    /// hour, so that a row is [48, 2].
    /// </summary>
    [VectorType(Hours * 2)]
    public float[] Past { get; set; } = [];

    public float Label { get; set; }
}

/// <summary>
/// Simulated electricity consumption relative to the mean: a morning and an evening peak on working days, a flat curve on days off, a slow
/// weather component, and noise.
/// </summary>
internal static class Consumption
{
    public static (float Value, bool DayOff)[] Draw(int hours, int seed)
    {
        var random = new Random(seed);
        var series = new (float, bool)[hours];
        var weather = 0.0;
        for (var h = 0; h < hours; h++)
        {
            var (day, hour) = (h / 24, h % 24);
            var off = day % 7 is 5 or 6 || day % 31 == 17; // weekends and occasional holidays
            weather = 0.98 * weather + 0.02 * Normal(random);
            var shape = off ? 0.7 + 0.1 * Peak(hour, 13, 5) : 0.75 + 0.45 * Peak(hour, 8, 2.5) + 0.6 * Peak(hour, 19, 3);
            series[h] = ((float)(shape + weather + 0.03 * Normal(random)), off);
        }
        return series;
    }

    /// <summary>All windows whose next hour is from <paramref name="begin"/> to <paramref name="end"/>.</summary>
    public static IEnumerable<Window> Windows((float Value, bool DayOff)[] series, int begin, int end)
    {
        for (var next = Math.Max(begin, Window.Hours); next < end; next++)
        {
            yield return new Window
            {
                Past = [.. Enumerable.Range(next - Window.Hours, Window.Hours)
                    .SelectMany(hour => (float[])[series[hour].Value - 1, series[hour + 1].DayOff ? 1 : 0])],
                Label = series[next].Value - 1,
            };
        }
    }

    private static double Peak(int hour, double at, double width) => Math.Exp(-Math.Pow((hour - at) / width, 2));

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
