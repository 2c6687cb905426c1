using static Pretrain.FormulaTextures;

namespace Pretrain;

/// <summary>Textures that repeat: gratings, checks, bricks, weaves, dots and other tilings, one tile per unit of the plane.</summary>
internal static class FormulaTilings
{
    public static IEnumerable<FormulaClass> Classes =>
    [
        FormulaClass.Plane("grating", 3f, 20f, Grating),
        FormulaClass.Plane("plaid", 2f, 6f, Plaid),
        FormulaClass.Plane("checks", 4f, 16f, Checks),
        FormulaClass.Plane("bricks", 4f, 10f, Bricks),
        FormulaClass.Plane("weave", 4f, 12f, Weave),
        FormulaClass.Plane("herringbone", 5f, 14f, Herringbone),
        FormulaClass.Plane("hexagons", 4f, 11f, Hexagons),
        FormulaClass.Plane("dots", 4f, 14f, Dots),
        FormulaClass.Plane("halftone", 10f, 18f, Halftone),
        FormulaClass.Plane("ripples", 3f, 9f, Ripples),
        FormulaClass.Plane("scales", 4f, 10f, Scales),
        FormulaClass.Plane("truchet", 4f, 10f, Truchet),
    ];

    private static Func<float, float, float> Grating(Dice dice)
    {
        float duty = dice.Between(-0.5f, 0.5f), soft = dice.Between(0.2f, 2f);
        return (u, v) => Edge(duty - MathF.Sin(MathF.Tau * u), soft);
    }

    private static Func<float, float, float> Plaid(Dice dice)
    {
        float second = dice.Between(0.1f, 0.4f), width = dice.Between(0.06f, 0.16f), weight = dice.Between(0.3f, 0.6f);
        float Stripe(float t) => Math.Max(
            Edge(MathF.Abs(Part(t) - 0.5f) - width, 0.05f), 0.6f * Edge(MathF.Abs(Part(t + second) - 0.5f) - (0.4f * width), 0.05f));
        return (u, v) => (weight * Stripe(u)) + ((1f - weight) * Stripe(v));
    }

    private static Func<float, float, float> Checks(Dice dice)
    {
        float soft = dice.Between(0.1f, 0.5f);
        return (u, v) => Edge(MathF.Sin(MathF.PI * u) * MathF.Sin(MathF.PI * v), soft);
    }

    private static Func<float, float, float> Bricks(Dice dice)
    {
        var tone = new Noise(dice);
        float mortar = dice.Between(0.04f, 0.1f), vary = dice.Between(0f, 0.6f), shift = dice.Pick(0.5f, 0.33f);
        return (u, v) =>
        {
            float row = MathF.Floor(v), x = (u * 0.5f) + (shift * row), column = MathF.Floor(x);
            float inside = Math.Min(2f * Math.Min(Part(x), 1f - Part(x)), Math.Min(Part(v), 1f - Part(v)));
            return Edge(mortar - inside, 0.06f) * (1f - (vary * (0.5f + tone.At(column * 0.73f, row * 0.71f))));
        };
    }

    private static Func<float, float, float> Weave(Dice dice)
    {
        float gap = dice.Between(0.3f, 0.48f);
        return (u, v) =>
        {
            bool over = (((int)MathF.Floor(u) + (int)MathF.Floor(v)) & 1) == 0;
            (float along, float across) = over ? (Part(u), Part(v)) : (Part(v), Part(u));
            float thread = Edge(MathF.Abs(across - 0.5f) - gap, 0.08f);
            return thread * (0.35f + (0.65f * MathF.Sin(MathF.PI * along))) * (over ? 1f : 0.8f);
        };
    }

    private static Func<float, float, float> Herringbone(Dice dice)
    {
        float soft = dice.Between(0.15f, 0.6f), width = dice.Between(1f, 2.5f);
        return (u, v) =>
        {
            float fold = MathF.Abs(Part(u / (2f * width)) - 0.5f) * 2f * width;
            return Edge(MathF.Abs(Part(v + fold) - 0.5f) - 0.25f, soft);
        };
    }

    private static Func<float, float, float> Hexagons(Dice dice)
    {
        float wall = dice.Between(0.05f, 0.16f);
        bool dome = dice.Chance(0.4f);
        return (u, v) =>
        {
            // The nearer of the two rectangular lattices' centres is the centre of the hexagon.
            const float Tall = 1.7320508f;
            float ax = Part(u) - 0.5f, ay = (Part(v / Tall) - 0.5f) * Tall, bx = Part(u + 0.5f) - 0.5f,
            by = (Part((v / Tall) + 0.5f) - 0.5f) * Tall;
            (float x, float y) = (ax * ax) + (ay * ay) < (bx * bx) + (by * by)
                ? (MathF.Abs(ax), MathF.Abs(ay))
                : (MathF.Abs(bx), MathF.Abs(by));
            float inside = 0.5f - Math.Max(x, (0.5f * x) + (0.8660254f * y));
            return dome ? 2f * inside : Edge(wall - inside, 0.05f);
        };
    }

    private static Func<float, float, float> Dots(Dice dice)
    {
        float radius = dice.Between(0.15f, 0.4f), soft = dice.Between(0.06f, 0.4f), shift = dice.Pick(0f, 0.5f);
        return (u, v) =>
        {
            float x = Part(u + (shift * MathF.Floor(v))) - 0.5f, y = Part(v) - 0.5f;
            return Edge(MathF.Sqrt((x * x) + (y * y)) - radius, soft);
        };
    }

    private static Func<float, float, float> Halftone(Dice dice)
    {
        var tone = new Noise(dice);
        return (u, v) =>
        {
            float x = Part(u) - 0.5f, y = Part(v) - 0.5f;
            return Edge(MathF.Sqrt((x * x) + (y * y)) - 0.35f - (0.5f * tone.At(u * 0.12f, v * 0.12f)), 0.15f);
        };
    }

    private static Func<float, float, float> Ripples(Dice dice)
    {
        float swing = dice.Between(0.25f, 0.7f), number = dice.Between(1f, 3f), soft = dice.Between(0.3f, 1.6f);
        return (u, v) => Edge(-MathF.Sin(MathF.Tau * (v + (swing * MathF.Sin(number * u)))), soft);
    }

    private static Func<float, float, float> Scales(Dice dice)
    {
        float width = dice.Between(0.1f, 1f);
        return (u, v) =>
        {
            // Of the three rows of discs that may cover a point, the lowest lies on top.
            float row = MathF.Floor(2f * v);
            for (int k = 0; k < 3; k++)
            {
                float y = v - (0.5f * (row - k)) - 0.5f, x = Part(u + (0.5f * ((row - k) - (2f * MathF.Floor((row - k) / 2f))))) - 0.5f;
                float r = MathF.Sqrt((x * x) + (y * y));
                if (y <= 0.5f && r < 0.56f && y > -0.5f)
                {
                    return Math.Clamp((0.56f - r) / width, 0f, 1f);
                }
            }

            return 0f;
        };
    }

    /// <summary>Smith's variant of Truchet's tiles (1987): two quarter circles per square, turned at random.</summary>
    private static Func<float, float, float> Truchet(Dice dice)
    {
        var side = new Noise(dice);
        float half = dice.Between(0.06f, 0.2f);
        return (u, v) =>
        {
            float x = Part(u), y = Part(v);
            x = side.At((MathF.Floor(u) * 0.71f) + 0.3f, (MathF.Floor(v) * 0.67f) + 0.2f) > 0f ? x : 1f - x;
            (x, y) = x + y < 1f ? (x, y) : (1f - x, 1f - y);
            return Edge(MathF.Abs(MathF.Sqrt((x * x) + (y * y)) - 0.5f) - half, 0.08f);
        };
    }

    private static float Part(float t) => t - MathF.Floor(t);
}
