namespace MlNetFineTune.Tasks;

/// <summary>The data of a chart: series of points with two axes.</summary>
/// <param name="Title">Title above the chart.</param>
/// <param name="Across">Title of the horizontal axis.</param>
/// <param name="X">Horizontal axis.</param>
/// <param name="Y">Vertical axis.</param>
/// <param name="Series">In drawing order, from back to front.</param>
internal sealed record Chart(string Title, string Across, Axis X, Axis Y, IReadOnlyList<Series> Series)
{
    /// <summary>A named vertical line.</summary>
    public (double X, string Name)? Mark { get; init; }
}

/// <summary>A series of points.</summary>
/// <param name="Name">Name in the legend; empty for none.</param>
/// <param name="Look">Style of the series.</param>
/// <param name="Points">Points in order; a NaN or infinite value interrupts the line.</param>
internal sealed record Series(string Name, SeriesLook Look, IReadOnlyList<(double X, double Y)> Points)
{
    /// <summary>Whether the line has no dots, as a curve whose points are rows.</summary>
    public bool IsPlain { get; init; }

    /// <summary>Text that a pointer on the line shows; empty for none.</summary>
    public string Tooltip { get; init; } = "";
}

internal enum SeriesLook
{
    /// <summary>A line in the first colour, with dots.</summary>
    First,

    /// <summary>A line in the second colour, with dots.</summary>
    Second,

    /// <summary>A thin, pale line in the background.</summary>
    Faint,

    /// <summary>Dots without a line.</summary>
    Dots,

    /// <summary>A thin dashed line.</summary>
    Guide,
}

/// <summary>Selects points evenly if there are more than a drawing can show.</summary>
internal static class Thinning
{
    /// <param name="points">The points, in order.</param>
    /// <param name="most">Maximum number of points. At least 2.</param>
    /// <returns>The selected points, including the first and the last.</returns>
    public static IReadOnlyList<T> Thin<T>(this IReadOnlyList<T> points, int most) => points.Count <= most
        ? points
        : [.. Enumerable.Range(0, most).Select(i => points[(int)((long)i * (points.Count - 1) / (most - 1))])];

    /// <summary>
    /// Leaves out the points that a drawing shows at the same place as the one before: by distance and not by index, because a curve can go
    /// far within few of its points, such as the first of a precision-recall curve.
    /// </summary>
    /// <param name="points">The points, in order.</param>
    /// <param name="least">The distance from the last kept point, in x or y, from which a point is kept.</param>
    /// <returns>The selected points, including the first, the last, and all that are not finite.</returns>
    public static IReadOnlyList<(double X, double Y)> ThinByDistance(this IReadOnlyList<(double X, double Y)> points, double least)
    {
        var kept = new List<(double X, double Y)>();
        foreach (var (index, point) in points.Index())
        {
            // A NaN or infinite difference is no difference below the least one.
            if (index == 0 || index == points.Count - 1
                || !(Math.Abs(point.X - kept[^1].X) < least && Math.Abs(point.Y - kept[^1].Y) < least))
            {
                kept.Add(point);
            }
        }
        return kept;
    }
}
