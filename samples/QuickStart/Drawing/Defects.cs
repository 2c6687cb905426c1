using System.Numerics;

namespace QuickStart;

/// <summary>The three classes of defects.</summary>
internal static class Defects
{
    /// <summary>A thin, nearly straight groove with a burr on both sides: one edge catches the light, the other is in the shade.</summary>
    public static void Scratch(Surface surface, Dice dice)
    {
        float x = dice.Between(28f, 68f), y = dice.Between(28f, 68f), heading = dice.Between(0f, MathF.Tau);
        Vector3 bare = dice.Chance(0.6f) ? new Vector3(dice.Between(0.75f, 1.1f)) : new Vector3(dice.Between(0.05f, 0.25f));
        float visible = dice.Between(0.4f, 0.95f), depth = dice.Between(1f, 2.4f);
        var groove = new Trace(surface, 5f);
        for (int lines = dice.Chance(0.7f) ? 1 : dice.Whole(2, 3); lines > 0; lines--)
        {
            groove.Add(ScratchPath(dice, x, y, heading));
            (x, y, heading) = (x + (6f * dice.Normal()), y + (6f * dice.Normal()), heading + (0.12f * dice.Normal()));
        }

        groove.ForEach((i, d, knot) =>
        {
            float cut = surface.Coverage(d, knot.Width / 2f) * knot.Strength;
            float burr = (d - (1.1f * knot.Width)) / (0.5f * knot.Width);
            surface.Colour[i] = Vector3.Lerp(surface.Colour[i], bare, visible * cut);
            surface.Height[i] += depth * knot.Strength * ((0.5f * MathF.Exp(-burr * burr)) - Surface.Step(1f, 0f, d / knot.Width));
            surface.Gloss[i] = Math.Max(surface.Gloss[i], 0.7f * cut);
        });
    }

    private static List<Knot> ScratchPath(Dice dice, float x, float y, float heading)
    {
        float length = dice.Between(40f, 95f), bend = 0.0035f * dice.Normal(), width = dice.Between(1f, 2.1f);
        var pressure = new Noise(dice);
        var path = new List<Knot>();
        for (float s = -length / 2f; s <= length / 2f; s += 2f)
        {
            (float sine, float cosine) = MathF.SinCos(heading + (bend * s / 2f));
            float taper = 1f - MathF.Pow(Math.Abs(2f * s / length), 4f);
            float strength = Math.Clamp(taper * (0.9f + (0.6f * pressure.At(s * 0.09f, 0.5f))), 0f, 1f);
            path.Add(new Knot(x + (s * cosine), y + (s * sine), width * (0.7f + (0.3f * taper)), strength));
        }

        return path;
    }

    /// <summary>A dark path that wanders in jags, branches and changes its width.</summary>
    public static void Crack(Surface surface, Dice dice)
    {
        float heading = dice.Between(0f, MathF.Tau);
        (float sine, float cosine) = MathF.SinCos(heading);
        float back = dice.Between(15f, 50f), width = dice.Between(1.3f, 3f);
        float x = dice.Between(33f, 63f) - (back * cosine), y = dice.Between(33f, 63f) - (back * sine);
        var opening = new Trace(surface, 5f);
        Grow(opening, dice, x, y, heading, dice.Between(55f, 115f), width, branches: dice.Whole(0, 4));

        float darkness = dice.Between(0.6f, 0.95f), lip = dice.Between(0f, 0.5f);
        opening.ForEach((i, d, knot) =>
        {
            float open = surface.Coverage(d, knot.Width / 2f) * knot.Strength;
            surface.Colour[i] *= 1f - (darkness * open);
            surface.Height[i] += knot.Strength * ((lip * Surface.Step(3f, 0.5f, d)) - (1.2f * Surface.Step(knot.Width, 0f, d)));
            surface.Gloss[i] *= 1f - open;
        });
    }

    private static void Grow(Trace opening, Dice dice, float x, float y, float heading, float length, float width, int branches)
    {
        var path = new List<Knot>();
        float turn = 0f, total = length;
        while (length > 0f)
        {
            float open = Math.Clamp(1.2f * length / total, 0.35f, 1f);
            path.Add(new Knot(x, y, width * open * dice.Between(0.5f, 1.25f), dice.Between(0.75f, 1f)));
            if (branches > 0 && path.Count > 2 && dice.Chance(0.18f))
            {
                float aside = dice.Pick(-1f, 1f) * dice.Between(0.45f, 1.2f);
                Grow(opening, dice, x, y, heading + aside, length * dice.Between(0.25f, 0.7f), width * dice.Between(0.5f, 0.85f),
                    branches / 2);
                branches--;
            }

            float step = dice.Between(1.5f, 5f);
            turn = (0.45f * turn) + (0.5f * dice.Normal());
            heading += 0.05f * dice.Normal();
            (float sine, float cosine) = MathF.SinCos(heading + turn);
            (x, y, length) = (x + (step * cosine), y + (step * sine), length - step);
        }

        opening.Add(path);
    }

    /// <summary>A soft blotch with an irregular outline and a rim, where something wet has dried.</summary>
    public static void Stain(Surface surface, Dice dice)
    {
        float x0 = dice.Between(25f, 71f), y0 = dice.Between(25f, 71f), radius = dice.Between(12f, 28f);
        float stretch = dice.Between(0.6f, 1f), wobble = dice.Between(0.25f, 0.55f), soft = dice.Between(0.06f, 0.25f);
        float rim = dice.Between(0.4f, 1.3f), rimWidth = dice.Between(0.05f, 0.13f), strength = dice.Between(0.35f, 0.7f);
        float shine = dice.Pick(0.2f, 1f, 1.6f), blotches = dice.Between(0.1f, 0.5f);
        Vector3 tint = Tint(dice);
        (float sine, float cosine) = MathF.SinCos(dice.Between(0f, MathF.Tau));
        Noise outline = new(dice), inside = new(dice);
        surface.ForEach((i, x, y) =>
        {
            float u = (((x - x0) * cosine) + ((y - y0) * sine)) / radius,
            v = (((y - y0) * cosine) - ((x - x0) * sine)) / (radius * stretch);
            float r = MathF.Sqrt((u * u) + (v * v)) + (wobble * outline.Fractal(u * 1.1f, v * 1.1f, 3));
            if (r > 1.8f)
            {
                return;
            }

            float body = Surface.Step(1f + soft, 1f - soft, r) * (1f - (blotches * (0.5f + inside.Fractal(x * 0.09f, y * 0.09f, 3))));
            float edge = (r - 1f + (0.5f * soft)) / rimWidth;
            float amount = Math.Clamp(strength * (body + (rim * MathF.Exp(-edge * edge))), 0f, 0.95f);
            surface.Colour[i] = Vector3.Lerp(surface.Colour[i], (surface.Colour[i] * tint) + (0.12f * amount * tint), amount);
            surface.Gloss[i] *= 1f + ((shine - 1f) * body);
        });
    }

    /// <summary>Rust, oil, water, ink, or the pale crust of lime and salt.</summary>
    private static Vector3 Tint(Dice dice) => dice.Whole(0, 4) switch
    {
        0 => new Vector3(0.75f, 0.42f, 0.18f),
        1 => new Vector3(0.25f, 0.22f, 0.2f),
        2 => new Vector3(0.45f, 0.5f, 0.55f),
        3 => Materials.Hue(dice.Unit(), 0.5f, 0.7f),
        _ => new Vector3(1.75f, 1.7f, 1.6f),
    };
}
