using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using SkiaSharp;

namespace MlNetFineTune.Reporting;

/// <summary>Charts under one another as a PNG, on white.</summary>
internal static class PngChart
{
    private const int Width = 880;
    private const int Height = 440;
    private const float Left = 96;
    private const float Right = 28;
    private const float Top = 56;
    private const float Bottom = 66;
    private const int DotSize = 2;

    private static readonly SKColor s_ink = new(0x1d, 0x20, 0x24);
    private static readonly SKColor s_soft = new(0x63, 0x6a, 0x73);
    private static readonly SKColor s_rule = new(0xe3, 0xe4, 0xe6);
    private static readonly SKColor s_first = new(0x2f, 0x6b, 0xd0);
    private static readonly SKColor s_second = new(0xc2, 0x62, 0x0a);

    /// <summary>Writes beside <paramref name="path"/> and renames.</summary>
    public static void Save(string path, params IReadOnlyList<Chart> charts)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(Width, Height * charts.Count, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using (var canvas = new SKCanvas(bitmap))
        {
            canvas.Clear(SKColors.White);
            foreach (var (i, chart) in charts.Index())
            {
                canvas.Save();
                canvas.Translate(0, i * Height);
                Draw(canvas, chart);
                canvas.Restore();
            }
        }
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        AtomicFile.Write(path, data.SaveTo);
    }

    private static void Draw(SKCanvas canvas, Chart chart)
    {
        Write(canvas, chart.Title, Left, 20, 0, s_ink);
        var legend = Width - Right;
        foreach (var series in chart.Series.Reverse().Where(series => series.Name.Length > 0))
        {
            Write(canvas, series.Name, legend, 20, 1, ColorOf(series.Look));
            legend -= (DotFont.WidthOf(series.Name) + 12) * DotSize;
        }
        using var rule = new SKPaint { Color = s_rule, StrokeWidth = 1, IsStroke = true };
        foreach (var tick in chart.Y.Ticks)
        {
            canvas.DrawLine(Left, Y(chart, tick), Width - Right, Y(chart, tick), rule);
            Write(canvas, Axis.Label(tick), Left - 10, Y(chart, tick) - DotFont.Height * DotSize / 2f, 1, s_soft);
        }
        foreach (var tick in chart.X.Ticks)
        {
            canvas.DrawLine(X(chart, tick), Height - Bottom, X(chart, tick), Height - Bottom + 5, rule);
            Write(canvas, Axis.Label(tick), X(chart, tick), Height - Bottom + 11, 0.5f, s_soft);
        }
        Write(canvas, chart.Across, (Left + Width - Right) / 2, Height - 26, 0.5f, s_soft);
        foreach (var series in chart.Series)
            Draw(canvas, chart, series);
        if (chart.Mark is { } mark)
            Draw(canvas, chart, mark.X, mark.Name);
    }

    private static void Draw(SKCanvas canvas, Chart chart, Series series)
    {
        using var line = new SKPaint { Color = ColorOf(series.Look), StrokeWidth = series.Look == SeriesLook.Faint ? 1.2f : 2.5f, IsStroke = true, IsAntialias = true, StrokeJoin = SKStrokeJoin.Round };
        using var dot = new SKPaint { Color = line.Color, IsAntialias = true };
        using var path = new SKPath();
        var points = series.Points.Where(point => double.IsFinite(point.X) && double.IsFinite(point.Y)).Select(point => new SKPoint(X(chart, point.X), Y(chart, point.Y))).ToArray();
        path.AddPoly(points, close: false);
        canvas.Save();
        canvas.ClipRect(new SKRect(Left - 6, Top - 6, Width - Right + 6, Height - Bottom + 6));
        if (series.Look != SeriesLook.Dots)
            canvas.DrawPath(path, line);
        if (series.Look == SeriesLook.Dots || (series.Look != SeriesLook.Faint && points.Length <= 16))
        {
            foreach (var point in points)
                canvas.DrawCircle(point, 4, dot);
        }
        canvas.Restore();
    }

    private static void Draw(SKCanvas canvas, Chart chart, double at, string name)
    {
        using var dashes = SKPathEffect.CreateDash([5, 5], 0);
        using var line = new SKPaint { Color = s_second, StrokeWidth = 2, IsStroke = true, PathEffect = dashes };
        var x = X(chart, at);
        canvas.DrawLine(x, Top, x, Height - Bottom, line);
        var isRight = chart.X.Place(at) > 0.6;
        Write(canvas, name, x + (isRight ? -10 : 10), Top + 4, isRight ? 1 : 0, s_second);
    }

    /// <param name="canvas">Drawn on.</param>
    /// <param name="text">In the letters of <see cref="DotFont"/>.</param>
    /// <param name="x">Where the share <paramref name="anchor"/> of the width lies.</param>
    /// <param name="y">The top.</param>
    /// <param name="anchor">0 to begin there, 0.5 to be centred, 1 to end.</param>
    /// <param name="color">Of the dots.</param>
    private static void Write(SKCanvas canvas, string text, float x, float y, float anchor, SKColor color)
    {
        using var paint = new SKPaint { Color = color };
        var (left, top) = (MathF.Round(x - DotFont.WidthOf(text) * DotSize * anchor), MathF.Round(y));
        foreach (var (column, row) in DotFont.Dots(text))
            canvas.DrawRect(left + column * DotSize, top + row * DotSize, DotSize, DotSize, paint);
    }

    private static SKColor ColorOf(SeriesLook look) => look switch
    {
        SeriesLook.First or SeriesLook.Dots => s_first,
        SeriesLook.Second => s_second,
        _ => s_soft.WithAlpha(150),
    };

    private static float X(Chart chart, double value) => (float)(Left + chart.X.Place(value) * (Width - Left - Right));

    private static float Y(Chart chart, double value) => (float)(Height - Bottom - chart.Y.Place(value) * (Height - Top - Bottom));
}
