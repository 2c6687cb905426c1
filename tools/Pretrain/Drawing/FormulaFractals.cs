using System.Numerics;
using SkiaSharp;

namespace Pretrain;

/// <summary>Fractals: iterated function systems, Julia and Mandelbrot sets, Newton's basins, Lindenmayer's curves and plants.</summary>
internal static class FormulaFractals
{
    public static IEnumerable<FormulaClass> Classes =>
    [
        .. Enumerable.Range(1, 4).Select(number => Attractor($"ifs-{number}", number, (x, y) => (x, y))),
        Attractor("flame-swirl", 102, Swirl),
        Attractor("flame-disc", 103, Disc),
        FormulaClass.Plane("julia-rabbit", 1.2f, 3.2f, dice => Julia(dice, -0.12f, 0.75f), shift: 0.4f),
        FormulaClass.Plane("julia-islands", 1.2f, 3.2f, dice => Julia(dice, 0.36f, 0.1f), shift: 0.4f),
        FormulaClass.Plane("julia-spiral", 1f, 3f, dice => Julia(dice, -0.77f, 0.12f), shift: 0.4f),
        FormulaClass.Plane("mandelbrot", 0.35f, 1.5f, Mandelbrot, shift: 0.05f),
        FormulaClass.Plane("newton", 1.5f, 5f, Newton, shift: 0.6f),
        Curve("koch", dice => ("F--F--F", [("F", "F+F--F+F")], 60f, dice.Whole(3, 4))),
        Curve("dragon", dice => ("X", [("X", "X+YF+"), ("Y", "-FX-Y")], 90f, dice.Whole(8, 11))),
        Curve("hilbert", dice => ("A", [("A", "+BF-AFA-FB+"), ("B", "-AF+BFB+FA-")], 90f, dice.Whole(3, 4))),
        Curve("arrowhead", dice => ("YF", [("X", "YF+XF+Y"), ("Y", "XF-YF-X")], 60f, dice.Whole(5, 6))),
        Curve("plant", dice => ("X", [("X", "F+[[X]-X]-F[-FX]+X"), ("F", "FF")], dice.Between(18f, 32f), 4)),
        Curve("bush", dice => ("F", [("F", "FF-[-F+F+F]+[+F-F-F]")], dice.Between(15f, 30f), 3)),
    ];

    private static (float X, float Y) Swirl(float x, float y)
    {
        (float sine, float cosine) = MathF.SinCos((x * x) + (y * y));
        return ((x * sine) - (y * cosine), (x * cosine) + (y * sine));
    }

    private static (float X, float Y) Disc(float x, float y)
    {
        float turn = MathF.Atan2(y, x) / MathF.PI;
        (float sine, float cosine) = MathF.SinCos(MathF.PI * MathF.Sqrt((x * x) + (y * y)));
        return (turn * sine, turn * cosine);
    }

    /// <summary>The attractor of a few affine maps fixed by the class, each followed by a bend of the plane (Draves's flames);
    /// a picture shakes the maps a little.</summary>
    private static FormulaClass Attractor(string name, int number, Func<float, float, (float X, float Y)> bend)
    {
        var maps = new Lazy<float[][]>(() => WellSpread(number, bend));
        return new FormulaClass(name, true, (dice, size) =>
        {
            float[][] shaken = [.. maps.Value.Select(map => map.Select(entry => entry + (0.05f * dice.Normal())).ToArray())];
            var points = new (float X, float Y)[24000];
            Run(shaken, bend, dice, points);
            return Density(points, size, dice);
        });
    }

    /// <summary>Tries systems from the class's own random numbers until one fills a fair part of its box, as FractalDB does.</summary>
    private static float[][] WellSpread(int number, Func<float, float, (float X, float Y)> bend)
    {
        var dice = new Dice(number, 2020);
        var points = new (float X, float Y)[3000];
        for (; ; )
        {
            float[][] maps = [.. Enumerable.Range(0, 2 + (number % 4))
                .Select(_ => (float[])[.. Enumerable.Range(0, 6).Select(_ => dice.Between(-0.9f, 0.9f))])];
            Run(maps, bend, dice, points);
            float filled = Density(points, 32, new Dice(0)).Count(value => value > 0f) / 1024f;
            if (filled is > 0.25f and < 0.6f)
            {
                return maps;
            }
        }
    }

    private static void Run(float[][] maps, Func<float, float, (float X, float Y)> bend, Dice dice, (float X, float Y)[] points)
    {
        float[] weights = [.. maps.Select(m => 0.05f + MathF.Abs((m[0] * m[3]) - (m[1] * m[2])))];
        float total = weights.Sum(), x = 0.1f, y = 0.1f;
        for (int n = -20; n < points.Length; n++)
        {
            float pick = total * dice.Unit();
            int k = 0;
            while (k < maps.Length - 1 && pick > weights[k])
            {
                pick -= weights[k++];
            }

            float[] m = maps[k];
            (x, y) = bend((m[0] * x) + (m[1] * y) + m[4], (m[2] * x) + (m[3] * y) + m[5]);
            (x, y) = MathF.Abs(x) + MathF.Abs(y) < 50f ? (x, y) : (0.1f, 0.1f);
            points[Math.Max(0, n)] = (x, y);
        }
    }

    /// <summary>How often each pixel was hit, on a logarithmic scale, under a random turn and scale.</summary>
    private static float[] Density((float X, float Y)[] points, int size, Dice dice)
    {
        float meanX = points.Average(p => p.X), meanY = points.Average(p => p.Y);
        float spread = MathF.Sqrt(points.Average(p => ((p.X - meanX) * (p.X - meanX)) + ((p.Y - meanY) * (p.Y - meanY)))) + 1e-6f;
        float scale = size * dice.Between(0.17f, 0.36f) / spread;
        (float sine, float cosine) = MathF.SinCos(dice.Between(0f, MathF.Tau));
        float x0 = size * dice.Between(0.38f, 0.62f), y0 = size * dice.Between(0.38f, 0.62f);
        var field = new float[size * size];
        foreach ((float px, float py) in points)
        {
            float x = px - meanX, y = py - meanY;
            int column = (int)MathF.Floor(x0 + (scale * ((x * cosine) - (y * sine)))),
            row = (int)MathF.Floor(y0 + (scale * ((x * sine) + (y * cosine))));
            if (column >= 0 && column < size && row >= 0 && row < size)
            {
                field[(row * size) + column]++;
            }
        }

        float full = MathF.Log(1f + (dice.Between(1f, 5f) * points.Length / field.Length));
        for (int i = 0; i < field.Length; i++)
        {
            field[i] = Math.Min(1f, MathF.Log(1f + field[i]) / full);
        }

        return field;
    }

    private static Func<float, float, float> Julia(Dice dice, float real, float imaginary)
    {
        float cx = real + (0.025f * dice.Normal()), cy = imaginary + (0.025f * dice.Normal()), bands = dice.Between(0.02f, 0.07f);
        return (u, v) => Escape(u, v, cx, cy, 40, bands);
    }

    private static Func<float, float, float> Mandelbrot(Dice dice)
    {
        // A point on the rim of the main cardioid, c = e^it / 2 - e^2it / 4, is always near visible structure.
        float t = dice.Between(0.5f, 3.1f), bands = dice.Between(0.015f, 0.05f);
        float x0 = (0.5f * MathF.Cos(t)) - (0.25f * MathF.Cos(2f * t)), y0 = (0.5f * MathF.Sin(t)) - (0.25f * MathF.Sin(2f * t));
        return (u, v) => Escape(0f, 0f, x0 + u, y0 + v, 60, bands);
    }

    private static float Escape(float x, float y, float cx, float cy, int most, float bands)
    {
        for (int n = 0; n < most; n++)
        {
            float xx = x * x, yy = y * y;
            if (xx + yy > 16f)
            {
                return Math.Min(1f, bands * (n + 1f - MathF.Log2(0.5f * MathF.Log2(xx + yy))));
            }

            (x, y) = (xx - yy + cx, (2f * x * y) + cy);
        }

        return 1f;
    }

    /// <summary>Which root of z³ = 1 Newton's method finds, and how soon.</summary>
    private static Func<float, float, float> Newton(Dice dice)
    {
        float relax = dice.Between(0.85f, 1.25f), depth = dice.Between(0.02f, 0.06f);
        return (u, v) =>
        {
            var z = new Vector2(u, v);
            for (int n = 0; n < 24; n++)
            {
                // z - relax (z³ - 1) / 3z² = z (1 - relax/3) + relax / 3z²
                Vector2 square = new((z.X * z.X) - (z.Y * z.Y), 2f * z.X * z.Y);
                Vector2 inverse = new Vector2(square.X, -square.Y) / (square.LengthSquared() + 1e-9f);
                Vector2 next = (z * (1f - (relax / 3f))) + (inverse * (relax / 3f));
                if (Vector2.DistanceSquared(z, next) < 1e-3f)
                {
                    return (z.X > 0f ? 0.1f : z.Y > 0f ? 0.5f : 0.9f) + (depth * (n - 8));
                }

                z = next;
            }

            return 0f;
        };
    }

    /// <summary>A turtle's path (Prusinkiewicz and Lindenmayer, "The Algorithmic Beauty of Plants", 1990).</summary>
    private static FormulaClass Curve(
        string name, Func<Dice, (string Axiom, (string, string)[] Rules, float Degrees, int Depth)> grammar) =>
        FormulaShapes.Figure(name, (canvas, paint, dice) =>
        {
            (string text, (string From, string To)[] rules, float degrees, int depth) = grammar(dice);
            for (int n = 0; n < depth; n++)
            {
                text = string.Concat(text.Select(letter => Array.Find(rules, rule => rule.From[0] == letter).To ?? letter.ToString()));
            }

            using SKPath path = Walk(text, degrees * MathF.PI / 180f, dice);
            SKRect box = path.TightBounds;
            float scale = 66f / Math.Max(box.Width, box.Height);
            path.Transform(SKMatrix.CreateScale(scale, scale).PreConcat(SKMatrix.CreateTranslation(-box.MidX, -box.MidY)));
            paint.IsStroke = true;
            paint.StrokeWidth = dice.Between(0.8f, 1.8f);
            canvas.DrawPath(path, paint);
        });

    private static SKPath Walk(string text, float angle, Dice dice)
    {
        var path = new SKPath();
        var saved = new Stack<(float X, float Y, float Heading)>();
        float x = 0f, y = 0f, heading = -MathF.PI / 2f, shake = dice.Between(0f, 0.05f);
        path.MoveTo(x, y);
        foreach (char letter in text)
        {
            switch (letter)
            {
                case '+': heading += angle; break;
                case '-': heading -= angle; break;
                case '[': saved.Push((x, y, heading)); break;
                case ']': (x, y, heading) = saved.Pop(); path.MoveTo(x, y); break;
                case 'F':
                    (float sine, float cosine) = MathF.SinCos(heading + (shake * dice.Normal()));
                    path.LineTo(x += cosine, y += sine);
                    break;
            }
        }

        return path;
    }
}
