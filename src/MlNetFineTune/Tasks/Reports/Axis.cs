using System.Globalization;

namespace MlNetFineTune.Tasks;

/// <summary>Maps values to positions between 0 and 1, with a few ticks at round values.</summary>
internal sealed class Axis
{
    private readonly double _minimum;
    private readonly double _maximum;
    private readonly bool _logarithmic;

    private Axis(double minimum, double maximum, bool logarithmic, IReadOnlyList<double> ticks)
    {
        (_minimum, _maximum, _logarithmic, Ticks) = (minimum, maximum, logarithmic, ticks);
    }

    public IReadOnlyList<double> Ticks { get; }

    /// <param name="values">NaN and infinite values are ignored.</param>
    /// <param name="atLeast">Approximate least number of ticks.</param>
    /// <param name="exact">Whether the axis ends at the largest value instead of at a tick.</param>
    public static Axis Linear(IEnumerable<double> values, int atLeast = 4, bool exact = false)
    {
        var (minimum, maximum) = Range(values.Where(double.IsFinite));
        if (maximum - minimum < 1e-12 * Math.Max(Math.Abs(maximum), 1e-12))
            (minimum, maximum) = minimum == 0 ? (0, 1) : (minimum - Math.Abs(minimum) / 2, maximum + Math.Abs(maximum) / 2);
        var rough = (maximum - minimum) / atLeast;
        var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        var step = power * ((rough / power) switch { >= 5 => 5, >= 2 => 2, _ => 1 });
        if (!exact)
            (minimum, maximum) = (Math.Floor(minimum / step + 1e-9) * step, Math.Ceiling(maximum / step - 1e-9) * step);
        var first = (long)Math.Ceiling(minimum / step - 1e-9);
        var last = (long)Math.Floor(maximum / step + 1e-9);
        return new Axis(minimum, maximum, false, [.. Enumerable.Range(0, (int)(last - first + 1)).Select(i => (first + i) * step)]);
    }

    /// <summary>A tick at each power of the base.</summary>
    /// <param name="values">Above 0.</param>
    /// <param name="powersOf">10, or 2.</param>
    public static Axis Logarithmic(IEnumerable<double> values, double powersOf = 10)
    {
        var (minimum, maximum) = Range(values.Where(value => value > 0 && double.IsFinite(value)));
        if (maximum <= minimum)
            (minimum, maximum) = (minimum / powersOf, maximum * powersOf);
        var first = (int)Math.Ceiling(Math.Log(minimum, powersOf) - 1e-9);
        var last = (int)Math.Floor(Math.Log(maximum, powersOf) + 1e-9);
        return new Axis(minimum, maximum, true,
            [.. Enumerable.Range(first, Math.Max(last - first + 1, 0)).Select(power => Math.Pow(powersOf, power))]);
    }

    public double Place(double value) => _logarithmic
        ? Math.Log(value / _minimum) / Math.Log(_maximum / _minimum)
        : (value - _minimum) / (_maximum - _minimum);

    /// <summary>Short text in the invariant culture: 0.05, 1200, 1e-5.</summary>
    public static string Label(double value) => Math.Abs(value) is var size && (size == 0 || size is >= 0.001 and < 100_000)
        ? value.ToString("0.#####", CultureInfo.InvariantCulture)
        : value.ToString("0.#e0", CultureInfo.InvariantCulture);

    private static (double Minimum, double Maximum) Range(IEnumerable<double> values)
    {
        var list = values.ToList();
        return list.Count == 0 ? (0.1, 1) : (list.Min(), list.Max());
    }
}
