namespace MlNetFineTune.Tasks;

/// <summary>Charts of ROC and precision-recall curves, for all reports that show them.</summary>
internal static class RankingCharts
{
    // Of both axes, which go from 0 to 1; a drawing is some 400 pixels wide.
    private const double LeastDistance = 1.0 / 400;

    /// <summary>Title of a section with both.</summary>
    public const string Title = "ROC and precision-recall curves";

    /// <param name="curves">The curves and single points, from back to front, in addition to the diagonal of random scores.</param>
    public static Chart Roc(params IReadOnlyList<Series> curves)
    {
        var axis = Axis.Linear([0, 1]);
        return new Chart("True positive rate (up) against false positive rate", "false positive rate", axis, axis,
            [new("chance", SeriesLook.Guide, [(0, 0), (1, 1)]), .. curves]);
    }

    /// <param name="title">Title of the chart; null says what the axes are.</param>
    /// <param name="chance">Precision of random scores: the share of positive rows; null if the curves have different ones.</param>
    /// <param name="curves">The curves and single points, from back to front.</param>
    public static Chart PrecisionRecall(string? title, double? chance, params IReadOnlyList<Series> curves)
    {
        var axis = Axis.Linear([0, 1]);
        Series[] guide = chance is { } share ? [new("chance", SeriesLook.Guide, [(0, share), (1, share)])] : [];
        return new Chart(title ?? "Precision (up) against recall", "recall", axis, axis, [.. guide, .. curves]);
    }

    /// <summary>A curve with those of its points that a drawing can tell apart.</summary>
    public static Series Curve(string name, SeriesLook look, IReadOnlyList<(double X, double Y)> points) =>
        new(name, look, points.ThinByDistance(LeastDistance)) { IsPlain = true };
}
