namespace MlNetFineTune.Reporting;

/// <summary>A chart as SVG inside a page: colours come from the page's style, and dots say their values when pointed at.</summary>
internal static class SvgChart
{
    private const double Width = 380;
    private const double Height = 236;
    private const double Left = 46;
    private const double Right = 12;
    private const double Top = 12;
    private const double Bottom = 40;

    // More dots than this hide the line.
    private const int MostDots = 60;

    public static Markup Of(Chart chart) => $"""
        <figure class="chart"><figcaption><span>{chart.Title}</span>{Legend(chart)}</figcaption>
        <svg viewBox="0 0 {Width} {Height}" role="img" aria-label="{chart.Title}">
        {chart.Y.Ticks.Select(tick => Across(chart, tick))}{chart.X.Ticks.Select(tick => Down(chart, tick))}{Mark(chart)}
        <text class="name" x="{(Left + Width - Right) / 2}" y="{Height - 6}" text-anchor="middle">{chart.Across}</text>
        {chart.Series.Select(series => Draw(chart, series))}
        </svg></figure>

        """;

    private static Markup Legend(Chart chart)
    {
        var named = chart.Series.Where(series => series.Name.Length > 0).ToList();
        return named.Count == 0 ? Markup.None : (Markup)$"""<span class="legend">{named.Select(Key)}</span>""";

        static Markup Key(Series series) => $"""<span><i class="{Class(series.Look)}"></i>{series.Name}</span>""";
    }

    private static Markup Across(Chart chart, double tick) => $"""
        <line class="grid" x1="{Left}" x2="{Width - Right}" y1="{Y(chart, tick):0.#}" y2="{Y(chart, tick):0.#}"/><text x="{Left - 6}" y="{Y(chart, tick) + 4:0.#}" text-anchor="end">{Axis.Label(tick)}</text>
        """;

    private static Markup Down(Chart chart, double tick) => $"""
        <text x="{X(chart, tick):0.#}" y="{Height - Bottom + 16}" text-anchor="middle">{Axis.Label(tick)}</text>
        """;

    private static Markup Mark(Chart chart)
    {
        if (chart.Mark is not { } mark)
            return Markup.None;
        var x = X(chart, mark.X);
        var (anchor, aside) = chart.X.Place(mark.X) > 0.6 ? ("end", -5) : ("start", 5);
        return $"""<line class="mark" x1="{x:0.#}" x2="{x:0.#}" y1="{Top}" y2="{Height - Bottom}"/><text class="name" x="{x + aside:0.#}" y="{Top + 9}" text-anchor="{anchor}">{mark.Name}</text>""";
    }

    private static Markup Draw(Chart chart, Series series)
    {
        var dots = series.Look == SeriesLook.Dots || (series.Look is SeriesLook.First or SeriesLook.Second && series.Points.Count <= MostDots);
        return $"{(series.Look == SeriesLook.Dots ? Markup.None : Line(chart, series))}{(dots ? series.Points.Where(IsNumber).Select(point => Dot(chart, series, point)) : [])}";
    }

    private static Markup Line(Chart chart, Series series)
    {
        var path = new System.Text.StringBuilder();
        var drawing = false;
        foreach (var point in series.Points)
        {
            if (IsNumber(point))
                path.Append(System.Globalization.CultureInfo.InvariantCulture, $"{(drawing ? 'L' : 'M')}{X(chart, point.X):0.#} {Y(chart, point.Y):0.#}");
            drawing = IsNumber(point);
        }
        return $"""<path class="{Class(series.Look)}" d="{path}"/>""";
    }

    private static Markup Dot(Chart chart, Series series, (double X, double Y) point) =>
        $"""<circle class="{Class(series.Look)}" cx="{X(chart, point.X):0.#}" cy="{Y(chart, point.Y):0.#}" r="{(series.Look == SeriesLook.Dots ? 2.2 : 2.8)}"><title>{chart.Across} {point.X:0.####}: {point.Y:0.####}</title></circle>""";

    private static string Class(SeriesLook look) => look.ToString().ToLowerInvariant();

    private static double X(Chart chart, double value) => Left + chart.X.Place(value) * (Width - Left - Right);

    private static double Y(Chart chart, double value) => Height - Bottom - chart.Y.Place(value) * (Height - Top - Bottom);

    private static bool IsNumber((double X, double Y) point) => double.IsFinite(point.X) && double.IsFinite(point.Y);
}
