using System.Runtime.InteropServices;
using SkiaSharp;

namespace Pretrain;

/// <summary>Figures on a ground: polygons, curves, signs, groups.
/// Drawn around the origin, about 60 units wide of the picture's 96.</summary>
internal static class FormulaShapes
{
    public static IEnumerable<FormulaClass> Classes =>
    [
        Outline("triangle", dice => Polygon(dice, 3, 1f)),
        Outline("quadrilateral", dice => Polygon(dice, 4, 1f)),
        Outline("star", dice => Polygon(dice, 2 * dice.Whole(5, 7), dice.Between(0.35f, 0.6f))),
        Outline("gear", Gear),
        Outline("arrow", dice => Shape((-30, -6), (4, -6), (4, -18), (30, 0), (4, 18), (4, 6), (-30, 6))),
        Outline("cross", dice => Cross(dice.Between(5f, 11f))),
        Outline("flower", dice => Polar(dice.Whole(4, 8), dice.Between(0.25f, 0.45f), 0f, dice)),
        Outline("pebble", dice => Polar(dice.Whole(2, 3), dice.Between(0.08f, 0.2f), 0.12f, dice)),
        Figure("ring", Rings),
        Figure("spiral", Spiral),
        Figure("lissajous", Lissajous),
        Figure("glyph", Glyph),
        Figure("zigzag", Zigzag),
        Figure("lattice-walk", LatticeWalk),
        Figure("discs", (canvas, paint, dice) => Heap(dice, paint, size => canvas.DrawCircle(0f, 0f, 0.5f * size, paint), canvas)),
        Figure("tiles", (canvas, paint, dice) =>
            Heap(dice, paint, size => canvas.DrawRect(-0.5f * size, -0.3f * size, size, 0.6f * size, paint), canvas)),
        Figure("sticks", Sticks),
        Figure("window", Window),
        Figure("rays", Rays),
        Figure("arcs", Arcs),
        Figure("row", Row),
    ];

    /// <summary>A class whose pictures are drawn on a canvas, white on black, under a random turn, scale and place.</summary>
    public static FormulaClass Figure(string name, Action<SKCanvas, SKPaint, Dice> draw) => new(name, true, (dice, size) =>
    {
        using var bitmap = new SKBitmap(new SKImageInfo(size, size, SKColorType.Bgra8888, SKAlphaType.Opaque));
        using var canvas = new SKCanvas(bitmap);
        using var paint = new SKPaint
        {
            Color = SKColors.White,
            IsAntialias = true,
            StrokeCap = dice.Pick(SKStrokeCap.Butt, SKStrokeCap.Round),
            StrokeJoin = dice.Pick(SKStrokeJoin.Miter, SKStrokeJoin.Round),
        };
        canvas.Clear(SKColors.Black);
        canvas.Scale(size / 96f);
        canvas.Translate(48f + (9f * dice.Normal()), 48f + (9f * dice.Normal()));
        canvas.RotateDegrees(dice.Between(0f, 360f));
        float scale = dice.Between(0.6f, 1.35f);
        canvas.Scale(scale, scale * dice.Between(0.75f, 1f));
        canvas.Skew(0.15f * dice.Normal(), 0f);
        draw(canvas, paint, dice);
        canvas.Flush();

        byte[] pixels = new byte[bitmap.ByteCount];
        Marshal.Copy(bitmap.GetPixels(), pixels, 0, pixels.Length);
        var field = new float[size * size];
        for (int i = 0; i < field.Length; i++)
        {
            field[i] = pixels[4 * i] / 255f;
        }

        return field;
    });

    /// <summary>A closed outline, shown filled, as a line, dashed, or as a band.</summary>
    private static FormulaClass Outline(string name, Func<Dice, SKPath> outline) => Figure(name, (canvas, paint, dice) =>
    {
        using SKPath path = outline(dice);
        paint.IsStroke = dice.Chance(0.5f);
        paint.StrokeWidth = dice.Between(1f, 5f);
        using SKPathEffect? dashes = dice.Chance(0.2f) ? SKPathEffect.CreateDash([dice.Between(3f, 8f), dice.Between(2f, 5f)], 0f) : null;
        paint.PathEffect = paint.IsStroke ? dashes : null;
        canvas.DrawPath(path, paint);
        paint.PathEffect = null;
    });

    private static SKPath Shape(params (float X, float Y)[] points)
    {
        var path = new SKPath();
        path.AddPoly([.. points.Select(p => new SKPoint(p.X, p.Y))]);
        return path;
    }

    private static SKPath Polygon(Dice dice, int corners, float inner) => Shape([.. Enumerable.Range(0, corners).Select(k =>
    {
        (float sine, float cosine) = MathF.SinCos((MathF.Tau * k / corners) + (0.2f / corners * dice.Normal()));
        float radius = 30f * (k % 2 == 1 ? inner : 1f) * (1f + (0.08f * dice.Normal()));
        return (radius * cosine, radius * sine);
    })]);

    private static SKPath Cross(float arm) => Shape(
        (-arm, -30), (arm, -30), (arm, -arm), (30, -arm), (30, arm), (arm, arm), (arm, 30), (-arm, 30), (-arm, arm), (-30, arm),
        (-30, -arm), (-arm, -arm));

    private static SKPath Gear(Dice dice)
    {
        int teeth = dice.Whole(8, 14);
        SKPath path = Shape([.. Enumerable.Range(0, 4 * teeth).Select(k =>
        {
            (float sine, float cosine) = MathF.SinCos(MathF.Tau * k / (4 * teeth));
            float radius = (k & 2) == 0 ? 30f : 23f;
            return (radius * cosine, radius * sine);
        })]);
        path.AddCircle(0f, 0f, dice.Between(5f, 12f));
        path.FillType = SKPathFillType.EvenOdd;
        return path;
    }

    /// <summary>r = 1 + depth cos(petals a) + rough noise.</summary>
    private static SKPath Polar(int petals, float depth, float rough, Dice dice)
    {
        var noise = new Noise(dice);
        return Shape([.. Enumerable.Range(0, 120).Select(k =>
        {
            float angle = MathF.Tau * k / 120f;
            (float sine, float cosine) = MathF.SinCos(angle);
            float radius = 24f * (1f + (depth * MathF.Cos(petals * angle)) + (rough * noise.Fractal(cosine, sine, 1)));
            return (radius * cosine, radius * sine);
        })]);
    }

    private static void Rings(SKCanvas canvas, SKPaint paint, Dice dice)
    {
        paint.IsStroke = true;
        float gap = dice.Between(4f, 10f);
        for (float radius = 30f; radius > 4f; radius -= gap * dice.Between(0.8f, 1.2f))
        {
            paint.StrokeWidth = dice.Between(0.2f, 0.6f) * gap;
            canvas.DrawCircle(0f, 0f, radius, paint);
        }
    }

    private static void Spiral(SKCanvas canvas, SKPaint paint, Dice dice)
    {
        float turns = dice.Between(2f, 5f), power = dice.Between(0.6f, 1.4f), hand = dice.Pick(-1f, 1f);
        Line(canvas, paint, dice.Between(1f, 0.45f * 30f / turns), Enumerable.Range(0, 160).Select(k =>
        {
            float t = k / 159f;
            (float sine, float cosine) = MathF.SinCos(hand * MathF.Tau * turns * t);
            float radius = 32f * MathF.Pow(t, power);
            return (radius * cosine, radius * sine);
        }));
    }

    private static void Lissajous(SKCanvas canvas, SKPaint paint, Dice dice)
    {
        (int a, int b) = dice.Pick((1, 2), (2, 3), (3, 4), (3, 5));
        float phase = dice.Between(0.3f, 1.3f);
        Line(canvas, paint, dice.Between(0.8f, 3f), Enumerable.Range(0, 200).Select(k =>
            (30f * MathF.Sin((MathF.Tau * a * k / 199f) + phase), 30f * MathF.Sin(MathF.Tau * b * k / 199f))));
    }

    /// <summary>A few words' worth of made-up letters: strokes and bows between the points of a 3 × 2 grid.</summary>
    private static void Glyph(SKCanvas canvas, SKPaint paint, Dice dice)
    {
        int letters = dice.Whole(2, 5);
        float width = 60f / letters, height = Math.Min(40f, 1.7f * width);
        paint.IsStroke = true;
        paint.StrokeWidth = width * dice.Between(0.1f, 0.2f);
        using var path = new SKPath();
        for (int letter = 0; letter < letters; letter++)
        {
            (float X, float Y) Point() => (-30f + (width * (letter + dice.Pick(0.1f, 0.75f))), height * dice.Pick(-0.5f, 0f, 0.5f));
            (float x, float y) = Point();
            path.MoveTo(x, y);
            for (int stroke = dice.Whole(2, 4); stroke > 0; stroke--)
            {
                (float nextX, float nextY) = Point();
                float bow = dice.Chance(0.4f) ? dice.Between(-0.6f, 0.6f) : 0f;
                path.QuadTo(((x + nextX) / 2f) + (bow * (nextY - y)), ((y + nextY) / 2f) - (bow * (nextX - x)), nextX, nextY);
                (x, y) = (nextX, nextY);
            }
        }

        canvas.DrawPath(path, paint);
    }

    private static void Zigzag(SKCanvas canvas, SKPaint paint, Dice dice)
    {
        int corners = dice.Whole(5, 14);
        float swing = dice.Between(4f, 16f);
        for (int lines = dice.Whole(1, 3); lines > 0; lines--)
        {
            Line(canvas, paint, dice.Between(1f, 4f), Enumerable.Range(0, corners).Select(k =>
                ((60f * k / (corners - 1)) - 30f, (k % 2 == 0 ? swing : -swing) * dice.Between(0.8f, 1.2f))));
            canvas.Translate(0f, dice.Between(6f, 14f));
        }
    }

    private static void LatticeWalk(SKCanvas canvas, SKPaint paint, Dice dice)
    {
        float step = dice.Between(4f, 9f), x = 0f, y = 0f;
        Line(canvas, paint, step * dice.Between(0.2f, 0.5f), Enumerable.Range(0, dice.Whole(30, 90)).Select(_ =>
        {
            (float dx, float dy) = dice.Pick((step, 0f), (-step, 0f), (0f, step), (0f, -step));
            (x, y) = (Math.Clamp(x + dx, -34f, 34f), Math.Clamp(y + dy, -34f, 34f));
            return (x, y);
        }));
    }

    private static void Heap(Dice dice, SKPaint paint, Action<float> draw, SKCanvas canvas)
    {
        float size = dice.Between(10f, 26f);
        for (int n = dice.Whole(4, 16); n > 0; n--)
        {
            byte tone = (byte)dice.Whole(70, 255);
            canvas.Save();
            canvas.Translate(15f * dice.Normal(), 15f * dice.Normal());
            canvas.RotateDegrees(dice.Between(0f, 360f));
            paint.Color = new SKColor(tone, tone, tone);
            draw(size * dice.Between(0.6f, 1.4f));
            canvas.Restore();
        }
    }

    private static void Sticks(SKCanvas canvas, SKPaint paint, Dice dice)
    {
        float width = dice.Between(1f, 3f), length = dice.Between(5f, 12f), order = dice.Between(0.2f, 3f);
        for (int n = dice.Whole(15, 50); n > 0; n--)
        {
            (float sine, float cosine) = MathF.SinCos(order * dice.Normal());
            float x = 22f * dice.Normal(), y = 22f * dice.Normal();
            Line(canvas, paint, width, [(x - (length * cosine), y - (length * sine)), (x + (length * cosine), y + (length * sine))]);
        }
    }

    /// <summary>A grating seen through an opening: one cue is the texture, the other the outline.</summary>
    private static void Window(SKCanvas canvas, SKPaint paint, Dice dice)
    {
        using SKPath opening = dice.Chance(0.5f) ? Polygon(dice, 4, 1f) : Polar(2, 0.05f, 0f, dice);
        canvas.ClipPath(opening, antialias: true);
        canvas.RotateDegrees(dice.Between(0f, 180f));
        float period = dice.Between(3f, 12f);
        for (float x = -40f; x < 40f; x += period)
        {
            canvas.DrawRect(x, -40f, 0.5f * period, 80f, paint);
        }
    }

    private static void Rays(SKCanvas canvas, SKPaint paint, Dice dice)
    {
        int rays = dice.Whole(6, 20);
        float inner = dice.Between(0f, 12f), width = dice.Between(0.8f, 3f);
        for (int k = 0; k < rays; k++)
        {
            (float sine, float cosine) = MathF.SinCos(MathF.Tau * k / rays);
            float outer = dice.Between(24f, 34f);
            Line(canvas, paint, width, [(inner * cosine, inner * sine), (outer * cosine, outer * sine)]);
        }
    }

    private static void Arcs(SKCanvas canvas, SKPaint paint, Dice dice)
    {
        paint.IsStroke = true;
        for (int n = dice.Whole(4, 9); n > 0; n--)
        {
            paint.StrokeWidth = dice.Between(1f, 4f);
            float x = 14f * dice.Normal(), y = 14f * dice.Normal(), radius = dice.Between(6f, 24f);
            using var path = new SKPath();
            path.AddArc(new SKRect(x - radius, y - radius, x + radius, y + radius), dice.Between(0f, 360f), dice.Between(60f, 200f));
            canvas.DrawPath(path, paint);
        }
    }

    /// <summary>The same small figure again and again, in rows.</summary>
    private static void Row(SKCanvas canvas, SKPaint paint, Dice dice)
    {
        using SKPath figure = dice.Chance(0.5f) ? Polygon(dice, 3, 1f) : Cross(8f);
        float gap = dice.Between(12f, 20f), scale = dice.Between(0.3f, 0.42f) * gap / 30f;
        paint.IsStroke = dice.Chance(0.4f);
        paint.StrokeWidth = 8f;
        for (float y = -30f; y <= 30f; y += gap)
        {
            for (float x = -30f; x <= 30f; x += gap)
            {
                canvas.Save();
                canvas.Translate(x, y);
                canvas.Scale(scale);
                canvas.DrawPath(figure, paint);
                canvas.Restore();
            }
        }
    }

    private static void Line(SKCanvas canvas, SKPaint paint, float width, IEnumerable<(float X, float Y)> points)
    {
        using var path = new SKPath();
        path.AddPoly([.. points.Select(p => new SKPoint(p.X, p.Y))], close: false);
        paint.IsStroke = true;
        paint.StrokeWidth = width;
        canvas.DrawPath(path, paint);
    }
}
