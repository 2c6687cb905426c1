using System.Text;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Reporting;

/// <summary>
/// Charts below one another in a separate SVG file, on white. Colours are literal: viewers other than browsers support neither CSS
/// variables nor colour schemes.
/// </summary>
internal static class SvgFile
{
    private const string Extension = ".svg";

    // Title and legend, above each chart.
    private const int HeadingHeight = 26;
    private const int ChartHeight = HeadingHeight + SvgChart.Height;

    // Pixels for each unit of the chart, as the default size.
    private const int Scale = 2;

    /// <param name="path">Path ending in <c>.svg</c>. Replaced atomically.</param>
    /// <param name="charts">At least one chart.</param>
    /// <exception cref="ArgumentException">The path has another extension.</exception>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    public static void Save(string path, params IReadOnlyList<Chart> charts)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        if (!path.EndsWith(Extension, StringComparison.OrdinalIgnoreCase))
        {
            throw new ArgumentException(
                $"The chart is written as SVG, and the file '{path}' does not end in {Extension}. "
                + $"Name it '{Path.ChangeExtension(path, Extension)}'.", nameof(path));
        }
        var text = Encoding.UTF8.GetBytes(Of(charts).ToString());
        AtomicFile.Write(path, stream => stream.Write(text));
    }

    private static Markup Of(IReadOnlyList<Chart> charts)
    {
        var (width, height) = (SvgChart.Width, charts.Count * ChartHeight);
        return $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width * Scale}" height="{height * Scale}">
            <style>{Style(ChartStyle.Light)}</style>
            <defs><clipPath id="plot">{PlotArea}</clipPath></defs>
            <rect class="paper" width="100%" height="100%"/>
            {charts.Select(Below)}
            </svg>

            """;
    }

    private static Markup Style(ChartStyle colors) => $$"""

        {{colors.Rules}}
        svg text{font-family:system-ui,sans-serif}
        svg text.title{font-size:13px;font-weight:600;fill:{{colors.Ink}}}
        svg tspan.first{fill:{{colors.First}}}svg tspan.second{fill:{{colors.Second}}}
        svg line.mark{stroke:{{colors.Second}};stroke-dasharray:4 3}svg text.mark{fill:{{colors.Second}}}
        svg .paper{fill:#fff}svg .plot{clip-path:url(#plot)}

        """;

    // Slightly wider than the axes, so that dots at the border are not clipped.
    private static Markup PlotArea
    {
        get
        {
            const int beyond = 4;
            var (left, top, width, height) = SvgChart.PlotArea;
            return $"""<rect x="{left - beyond}" y="{top - beyond}" width="{width + 2 * beyond}" height="{height + 2 * beyond}"/>""";
        }
    }

    private static Markup Below(Chart chart, int place) => $"""
        <g transform="translate(0 {place * ChartHeight})">
        <text class="title" x="{SvgChart.PlotArea.Left}" y="18">{chart.Title}</text>{Legend(chart)}
        <g transform="translate(0 {HeadingHeight})">
        {SvgChart.Drawing(chart)}
        </g></g>
        """;

    private static Markup Legend(Chart chart)
    {
        var named = chart.Series.Where(series => series.Name.Length > 0).ToList();
        if (named.Count == 0)
            return Markup.None;
        var (left, _, width, _) = SvgChart.PlotArea;
        return $"""<text class="legend" x="{left + width}" y="18" text-anchor="end">{named.Select(Key)}</text>""";

        static Markup Key(Series series, int place) =>
            $"""<tspan dx="{(place == 0 ? 0 : 12)}" class="{SvgChart.Class(series.Look)}">{series.Name}</tspan>""";
    }
}
