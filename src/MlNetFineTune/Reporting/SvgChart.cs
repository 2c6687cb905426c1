using System.Globalization;
using System.Text;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Reporting;

/// <summary>
/// A chart as SVG, in the report page or in an <see cref="SvgFile"/>. <see cref="ChartStyle"/> defines the colours; dots have tooltips with
/// their values.
/// </summary>
internal static class SvgChart
{
    public const int Width = 380;
    public const int Height = 236;
    private const double Left = 46;
    private const double Right = 12;
    private const double Top = 12;
    private const double Bottom = 40;

    // More dots than this hide the line.
    private const int MostDots = 60;

    /// <summary>The rectangle that the axes span, in units of the chart.</summary>
    public static (double Left, double Top, double Width, double Height) PlotArea =>
        (Left, Top, Width - Left - Right, Height - Top - Bottom);

    /// <summary>A figure of the report page.</summary>
    public static Markup Of(Chart chart) => $"""
        <figure class="chart"><figcaption><span>{chart.Title}</span>{Legend(chart)}</figcaption>
        <svg viewBox="0 0 {Width} {Height}" role="img" aria-label="{chart.Title}">
        {Drawing(chart)}
        </svg></figure>

        """;

    /// <summary>Axes and series, without title and legend, on a canvas of <see cref="Width"/> by <see cref="Height"/>.</summary>
    public static Markup Drawing(Chart chart) => $"""
        {chart.Y.Ticks.Select(tick => Across(chart, tick))}{chart.X.Ticks.Select(tick => Down(chart, tick))}{Mark(chart)}
        <text class="name" x="{(Left + Width - Right) / 2}" y="{Height - 6}" text-anchor="middle">{chart.Across}</text>
        <g class="plot">{chart.Series.Select(series => Draw(chart, series))}</g>
        """;

    private static Markup Legend(Chart chart)
    {
        var named = chart.Series.Where(series => series.Name.Length > 0).ToList();
        return named.Count == 0 ? Markup.None : (Markup)$"""<span class="legend">{named.Select(Key)}</span>""";

        static Markup Key(Series series) => $"""<span><i class="{Class(series.Look)}"></i>{series.Name}</span>""";
    }

    private static Markup Across(Chart chart, double tick)
    {
        var y = Y(chart, tick);
        Markup line = $"""<line class="grid" x1="{Left}" x2="{Width - Right}" y1="{y:0.#}" y2="{y:0.#}"/>""";
        return $"""{line}<text x="{Left - 6}" y="{y + 4:0.#}" text-anchor="end">{Axis.Label(tick)}</text>""";
    }

    private static Markup Down(Chart chart, double tick) => $"""
        <text x="{X(chart, tick):0.#}" y="{Height - Bottom + 16}" text-anchor="middle">{Axis.Label(tick)}</text>
        """;

    private static Markup Mark(Chart chart)
    {
        if (chart.Mark is not { } mark)
            return Markup.None;
        var x = X(chart, mark.X);
        var (anchor, aside) = chart.X.Place(mark.X) > 0.6 ? ("end", -5) : ("start", 5);
        Markup line = $"""<line class="mark" x1="{x:0.#}" x2="{x:0.#}" y1="{Top}" y2="{Height - Bottom}"/>""";
        return $"""{line}<text class="mark" x="{x + aside:0.#}" y="{Top + 9}" text-anchor="{anchor}">{mark.Name}</text>""";
    }

    private static Markup Draw(Chart chart, Series series)
    {
        var isScatter = series.Look == SeriesLook.Dots;
        var hasDots = isScatter || (series is { IsPlain: false, Look: SeriesLook.First or SeriesLook.Second, Points.Count: <= MostDots });
        var dots = hasDots ? series.Points.Where(IsNumber).Select(point => Dot(chart, series, point)) : [];
        return $"{(isScatter ? Markup.None : Line(chart, series))}{dots}";
    }

    private static Markup Line(Chart chart, Series series)
    {
        var path = new StringBuilder();
        var drawing = false;
        foreach (var point in series.Points)
        {
            if (IsNumber(point))
                path.Append(CultureInfo.InvariantCulture, $"{(drawing ? 'L' : 'M')}{X(chart, point.X):0.#} {Y(chart, point.Y):0.#}");
            drawing = IsNumber(point);
        }
        return series.Tooltip.Length == 0
            ? (Markup)$"""<path class="{Class(series.Look)}" d="{path}"/>"""
            : $"""<path class="{Class(series.Look)}" d="{path}"><title>{series.Tooltip}</title></path>""";
    }

    private static Markup Dot(Chart chart, Series series, (double X, double Y) point)
    {
        var (x, y, radius) = (X(chart, point.X), Y(chart, point.Y), series.Look == SeriesLook.Dots ? 2.2 : 2.8);
        Markup values = $"<title>{chart.Across} {point.X:0.####}: {point.Y:0.####}</title>";
        return $"""<circle class="{Class(series.Look)}" cx="{x:0.#}" cy="{y:0.#}" r="{radius}">{values}</circle>""";
    }

    /// <summary>The CSS class that the rules of <see cref="ChartStyle"/> refer to.</summary>
    public static string Class(SeriesLook look) => look.ToString().ToLowerInvariant();

    private static double X(Chart chart, double value) => Left + chart.X.Place(value) * (Width - Left - Right);

    private static double Y(Chart chart, double value) => Height - Bottom - chart.Y.Place(value) * (Height - Top - Bottom);

    private static bool IsNumber((double X, double Y) point) => double.IsFinite(point.X) && double.IsFinite(point.Y);
}
