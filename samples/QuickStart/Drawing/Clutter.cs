using System.Numerics;

namespace QuickStart;

/// <summary>Distractors on surfaces of any class: shadows, glare, joints, screws, dust, pits, wipe marks, hairs, printed bands.</summary>
internal static class Clutter
{
    private static readonly (float Chance, Action<Surface, Dice> Put)[] All =
    [
        (0.25f, WipeMarks), (0.10f, Panel), (0.08f, Band), (0.15f, Joint), (0.16f, Screw), (0.20f, Pits), (0.35f, Dust), (0.05f, Hair),
        (0.30f, Shadow), (0.20f, Glare),
    ];

    public static void Scatter(Surface surface, Dice dice)
    {
        foreach ((float chance, Action<Surface, Dice> put) in All)
        {
            if (dice.Chance(chance))
            {
                put(surface, dice);
            }
        }
    }

    /// <summary>A soft edge of shade: a straight one (a beam, a wall) or a round one (a hand, a lamp's rim).</summary>
    private static void Shadow(Surface surface, Dice dice)
    {
        bool straight = dice.Chance(0.6f);
        float darkness = dice.Between(0.15f, 0.5f), softness = dice.Between(straight ? 1.5f : 8f, 20f);
        Func<float, float, float> distance = straight ? Line(dice) : Circle(dice, 15f, 60f);
        surface.ForEach((i, x, y) => surface.Light[i] *= 1f - (darkness * Surface.Step(-softness, softness, distance(x, y))));
    }

    /// <summary>A lamp's soft reflection.</summary>
    private static void Glare(Surface surface, Dice dice)
    {
        Func<float, float, float> distance = Circle(dice, 1f, 6f);
        float strength = dice.Between(0.15f, 0.5f), spread = dice.Between(12f, 30f);
        surface.ForEach((i, x, y) =>
        {
            float d = Math.Max(0f, distance(x, y)) / spread;
            surface.Light[i] *= 1f + (strength * MathF.Exp(-d * d));
        });
    }

    /// <summary>Part of the picture is another panel: a little higher, another tone.</summary>
    private static void Panel(Surface surface, Dice dice)
    {
        Func<float, float, float> distance = Line(dice);
        float tone = dice.Between(0.65f, 1.35f);
        surface.ForEach((i, x, y) =>
        {
            float d = distance(x, y);
            surface.Colour[i] *= 1f + ((tone - 1f) * surface.Coverage(Math.Max(0f, d + 96f), 96f));
            surface.Height[i] += 1.5f * Surface.Step(1f, -1f, d);
        });
    }

    /// <summary>A painted band across the picture.</summary>
    private static void Band(Surface surface, Dice dice)
    {
        Func<float, float, float> distance = Line(dice);
        float half = dice.Between(3f, 9f);
        Vector3 colour = Materials.Hue(dice.Unit(), dice.Between(0f, 0.7f), dice.Between(0.3f, 0.95f));
        surface.ForEach((i, x, y) =>
        {
            Vector3 painted = colour * surface.Colour[i].Length() * 0.9f;
            surface.Colour[i] = Vector3.Lerp(surface.Colour[i], painted, 0.85f * surface.Coverage(Math.Abs(distance(x, y)), half));
        });
    }

    /// <summary>A machined groove from edge to edge: straighter, wider and more even than any crack or scratch.</summary>
    private static void Joint(Surface surface, Dice dice)
    {
        Func<float, float, float> distance = Line(dice);
        float half = dice.Between(1f, 2.4f), darkness = dice.Between(0.3f, 0.75f);
        surface.ForEach((i, x, y) =>
        {
            float d = Math.Abs(distance(x, y));
            surface.Colour[i] *= 1f - (darkness * surface.Coverage(d, half));
            surface.Height[i] -= 1.5f * Surface.Step(half + 1.2f, half - 0.6f, d);
            surface.Gloss[i] *= 1f - surface.Coverage(d, half);
        });
    }

    private static void Screw(Surface surface, Dice dice)
    {
        float x0 = dice.Between(8f, 88f), y0 = dice.Between(8f, 88f), radius = dice.Between(3.5f, 7f), slot = dice.Between(0.5f, 0.9f);
        bool cross = dice.Chance(0.5f);
        (float sine, float cosine) = MathF.SinCos(dice.Between(0f, MathF.PI));
        Vector3 metal = Materials.Hue(0.1f, dice.Between(0f, 0.2f), dice.Between(0.3f, 0.8f));
        surface.ForEach((i, x, y) =>
        {
            float dx = x - x0, dy = y - y0, r = MathF.Sqrt((dx * dx) + (dy * dy));
            if (r > radius + 3f)
            {
                return;
            }

            float u = Math.Abs((dx * cosine) + (dy * sine)), v = Math.Abs((dy * cosine) - (dx * sine));
            float cut = surface.Coverage(v, slot) * surface.Coverage(u, 0.75f * radius);
            cut = cross ? Math.Max(cut, surface.Coverage(u, slot) * surface.Coverage(v, 0.75f * radius)) : cut;
            float head = surface.Coverage(r, radius);
            surface.Colour[i] = Vector3.Lerp(surface.Colour[i], metal * (1f - (0.8f * cut)), head);
            surface.Light[i] *= 1f - (0.4f * surface.Coverage(Math.Abs(r - radius), 0.7f));
            surface.Height[i] = ((1f - head) * surface.Height[i])
                + (head * 2f * MathF.Sqrt(Math.Max(0f, 1f - (r * r / (1.3f * radius * radius)))));
            surface.Gloss[i] = ((1f - head) * surface.Gloss[i]) + (head * 0.6f);
        });
    }

    private static void Pits(Surface surface, Dice dice) =>
        Specks(surface, dice, dice.Whole(2, 14), 0.6f, 1.8f, dice.Between(0.35f, 0.6f), -1.2f);

    private static void Dust(Surface surface, Dice dice) =>
        Specks(surface, dice, dice.Whole(4, 40), 0.3f, 0.9f, dice.Pick(0.6f, 1.45f), 0.2f);

    private static void Specks(Surface surface, Dice dice, int count, float smallest, float largest, float tone, float relief)
    {
        for (int speck = 0; speck < count; speck++)
        {
            float x0 = dice.Between(0f, 96f), y0 = dice.Between(0f, 96f), radius = dice.Between(smallest, largest);
            var spot = new Trace(surface, radius + 1f);
            spot.Add([new Knot(x0, y0, 1f, 1f), new Knot(x0 + (radius * dice.Normal()), y0 + (0.4f * radius * dice.Normal()), 1f, 1f)]);
            spot.ForEach((i, d, _) =>
            {
                float inside = surface.Coverage(d, radius);
                surface.Colour[i] *= 1f + ((tone - 1f) * inside);
                surface.Height[i] += relief * inside;
            });
        }
    }

    /// <summary>Many faint parallel lines over the whole picture, from wiping, sanding or a worn brush.</summary>
    private static void WipeMarks(Surface surface, Dice dice)
    {
        (float sine, float cosine) = MathF.SinCos(dice.Between(0f, MathF.PI));
        float strength = dice.Between(0.02f, 0.08f), across = dice.Between(0.2f, 0.7f), bend = dice.Between(0f, 0.004f);
        var marks = new Noise(dice);
        surface.ForEach((i, x, y) =>
        {
            float u = (x * cosine) + (y * sine), v = (y * cosine) - (x * sine) + (bend * x * y);
            float mark = marks.Fractal(u * 0.015f, v * across, 2);
            surface.Colour[i] *= 1f + (strength * mark);
            surface.Height[i] += 2f * strength * mark;
        });
    }

    /// <summary>A hair or thread: thin and dark like a crack, but smooth and curled.</summary>
    private static void Hair(Surface surface, Dice dice)
    {
        float x = dice.Between(15f, 81f), y = dice.Between(15f, 81f), heading = dice.Between(0f, MathF.Tau);
        float curl = dice.Pick(-1f, 1f) * dice.Between(0.05f, 0.12f), tone = dice.Pick(0.35f, 0.45f, 1.5f);
        var path = new List<Knot>();
        for (int step = dice.Whole(14, 30); step > 0; step--)
        {
            path.Add(new Knot(x, y, 0.7f, 1f));
            (float sine, float cosine) = MathF.SinCos(heading += curl + (0.04f * dice.Normal()));
            (x, y) = (x + (1.6f * cosine), y + (1.6f * sine));
        }

        var hair = new Trace(surface, 3f);
        hair.Add(path);
        hair.ForEach((i, d, knot) => surface.Colour[i] *= 1f + ((tone - 1f) * surface.Coverage(d, knot.Width / 2f)));
    }

    /// <summary>Signed distance to a line across the picture.</summary>
    private static Func<float, float, float> Line(Dice dice)
    {
        float angle = dice.Chance(0.5f) ? dice.Pick(0f, MathF.PI / 2f) + (0.06f * dice.Normal()) : dice.Between(0f, MathF.PI);
        (float sine, float cosine) = MathF.SinCos(angle);
        float x0 = dice.Between(12f, 84f), y0 = dice.Between(12f, 84f);
        return (x, y) => ((y - y0) * cosine) - ((x - x0) * sine);
    }

    /// <summary>Signed distance to a circle somewhere in the picture.</summary>
    private static Func<float, float, float> Circle(Dice dice, float smallest, float largest)
    {
        float x0 = dice.Between(-10f, 106f), y0 = dice.Between(-10f, 106f), radius = dice.Between(smallest, largest);
        return (x, y) => MathF.Sqrt(((x - x0) * (x - x0)) + ((y - y0) * (y - y0))) - radius;
    }
}
