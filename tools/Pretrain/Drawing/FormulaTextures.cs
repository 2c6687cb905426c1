namespace Pretrain;

/// <summary>Textures without an exact period: noises, cells, marble, wood, reaction-diffusion patterns.</summary>
internal static class FormulaTextures
{
    public static IEnumerable<FormulaClass> Classes =>
    [
        FormulaClass.Plane("clouds", 2f, 9f, Clouds),
        FormulaClass.Plane("turbulence", 2f, 8f, Turbulence),
        FormulaClass.Plane("marble", 3f, 10f, Marble),
        FormulaClass.Plane("wood-rings", 3f, 9f, WoodRings),
        FormulaClass.Plane("contour-lines", 1.5f, 5f, ContourLines),
        FormulaClass.Plane("grain", 25f, 60f, Grain),
        FormulaClass.Plane("fibres", 4f, 12f, Fibres),
        FormulaClass.Plane("cells", 4f, 14f, dice => Cells(dice, (near, next, tone) => near)),
        FormulaClass.Plane("cell-walls", 4f, 14f, dice => Cells(dice, (near, next, tone) => (next - near) * 3f)),
        FormulaClass.Plane("mosaic", 4f, 14f, dice => Cells(dice, (near, next, tone) => tone)),
        FormulaClass.Plane("bubbles", 4f, 12f, Bubbles),
        FormulaClass.Plane("labyrinth", 5f, 16f, dice => Waves(dice, MathF.PI, 0f)),
        FormulaClass.Plane("spots", 5f, 16f, dice => Waves(dice, MathF.PI, 1.1f)),
        FormulaClass.Plane("zebra", 5f, 14f, dice => Waves(dice, 0.45f, 0f)),
    ];

    private static Func<float, float, float> Clouds(Dice dice)
    {
        var noise = new Noise(dice);
        int octaves = dice.Whole(1, 5);
        return (u, v) => 0.5f + (0.6f * noise.Fractal(u, v, octaves));
    }

    private static Func<float, float, float> Turbulence(Dice dice)
    {
        Noise coarse = new(dice), fine = new(dice);
        bool ridges = dice.Chance(0.5f);
        return (u, v) =>
        {
            float sum = MathF.Abs(coarse.At(u, v)) + (0.5f * MathF.Abs(fine.At(2f * u, 2f * v)))
                + (0.25f * MathF.Abs(coarse.At((4f * u) + 7f, 4f * v)));
            return ridges ? 1f - (1.6f * sum) : 1.2f * sum;
        };
    }

    private static Func<float, float, float> Marble(Dice dice)
    {
        var noise = new Noise(dice);
        float veins = dice.Between(0.5f, 1.4f), swirl = dice.Between(1.5f, 4f);
        return (u, v) => MathF.Pow(0.5f + (0.5f * MathF.Sin((veins * u) + (swirl * noise.Fractal(u * 0.4f, v * 0.4f, 4)))), 0.6f);
    }

    private static Func<float, float, float> WoodRings(Dice dice)
    {
        var noise = new Noise(dice);
        float x0 = dice.Between(-97f, 97f), y0 = dice.Between(-97f, 97f), rough = dice.Between(0.2f, 0.9f), fibre = dice.Between(0f, 0.3f);
        return (u, v) =>
        {
            float rings = MathF.Sqrt(((u - x0) * (u - x0)) + (0.4f * (v - y0) * (v - y0))) + (rough * noise.Fractal(u * 0.3f, v * 0.3f, 2));
            return rings - MathF.Floor(rings) + (fibre * noise.At(u * 0.5f, v * 9f));
        };
    }

    private static Func<float, float, float> ContourLines(Dice dice)
    {
        var noise = new Noise(dice);
        float levels = dice.Between(3f, 6f), half = dice.Between(0.08f, 0.25f);
        return (u, v) =>
        {
            float height = levels * noise.Fractal(u, v, 2);
            return Edge(MathF.Abs(height - MathF.Round(height)) - half, 0.1f);
        };
    }

    private static Func<float, float, float> Grain(Dice dice)
    {
        var noise = new Noise(dice);
        float cut = dice.Between(-0.2f, 0.4f), soft = dice.Between(0.1f, 0.6f);
        return (u, v) => Edge(cut - noise.At(u, v), soft);
    }

    private static Func<float, float, float> Fibres(Dice dice)
    {
        Noise fibres = new(dice), flow = new(dice);
        float length = dice.Between(0.1f, 0.3f), bend = dice.Between(0f, 1.2f);
        return (u, v) =>
        {
            float across = v + (bend * flow.At(u * 0.25f, v * 0.25f));
            return 0.5f + (0.7f * fibres.Fractal(u * length, across * 2.5f, 2));
        };
    }

    /// <summary>Worley's cellular basis (Worley, SIGGRAPH 1996): distances to the nearest two of one random point per square.</summary>
    private static Func<float, float, float> Cells(Dice dice, Func<float, float, float, float> shade)
    {
        uint salt = (uint)dice.Next();
        float order = dice.Between(0.5f, 1f), lowest = dice.Between(0f, 0.2f);
        return (u, v) =>
        {
            int column = (int)MathF.Floor(u), row = (int)MathF.Floor(v);
            float near = 9f, next = 9f, tone = 0f;
            for (int j = row - 1; j <= row + 1; j++)
            {
                for (int i = column - 1; i <= column + 1; i++)
                {
                    (float px, float py, float t) = PointOf(i, j, salt);
                    float dx = i + 0.5f + (order * (px - 0.5f)) - u, dy = j + 0.5f + (order * (py - 0.5f)) - v, d = (dx * dx) + (dy * dy);
                    (near, next, tone) = d < near ? (d, near, t) : (near, Math.Min(next, d), tone);
                }
            }

            return shade(MathF.Sqrt(near) - lowest, MathF.Sqrt(next) - lowest, tone);
        };
    }

    /// <summary>Discs of random radius, apart or overlapping, filled or hollow.</summary>
    private static Func<float, float, float> Bubbles(Dice dice)
    {
        uint salt = (uint)dice.Next();
        float largest = dice.Between(0.4f, 0.8f), rim = dice.Chance(0.5f) ? dice.Between(0.05f, 0.15f) : 2f;
        return (u, v) =>
        {
            int column = (int)MathF.Floor(u), row = (int)MathF.Floor(v);
            float best = 0f;
            for (int j = row - 1; j <= row + 1; j++)
            {
                for (int i = column - 1; i <= column + 1; i++)
                {
                    (float px, float py, float t) = PointOf(i, j, salt);
                    float dx = i + px - u, dy = j + py - v, radius = largest * (0.3f + (0.7f * t));
                    float inside = radius - MathF.Sqrt((dx * dx) + (dy * dy));
                    best = Math.Max(best, Edge(-inside, 0.06f) * (inside < rim ? 1f : 0.15f));
                }
            }

            return best;
        };
    }

    /// <summary>
    /// Many plane waves of one length and random phase, cut at a level: the stripes and spots of reaction and diffusion
    /// (Turing 1952) without solving it. Directions within a narrow spread give a zebra, a high level gives spots.
    /// </summary>
    private static Func<float, float, float> Waves(Dice dice, float spread, float level)
    {
        const int Count = 12;
        (float X, float Y, float Phase)[] waves = new (float, float, float)[Count];
        for (int i = 0; i < Count; i++)
        {
            (float sine, float cosine) = MathF.SinCos(spread * (((i + dice.Unit()) / Count) - 0.5f) * 2f);
            float number = MathF.Tau * dice.Between(0.9f, 1.1f);
            waves[i] = (number * cosine, number * sine, dice.Between(0f, MathF.Tau));
        }

        float soft = dice.Between(0.3f, 1.6f), tilt = level * dice.Between(0.8f, 1.2f);
        return (u, v) =>
        {
            float sum = 0f;
            foreach ((float x, float y, float phase) in waves)
            {
                sum += MathF.Cos((x * u) + (y * v) + phase);
            }

            return Edge(tilt - (sum / 2.45f), soft);
        };
    }

    private static (float X, float Y, float Tone) PointOf(int column, int row, uint salt)
    {
        uint h = ((uint)column * 0x8DA6B343) ^ ((uint)row * 0xD8163841) ^ salt;
        h = (h ^ (h >> 15)) * 0x2C1B3C6D;
        h = (h ^ (h >> 12)) * 0x297A2D39;
        h ^= h >> 15;
        return ((h & 1023) / 1024f, ((h >> 10) & 1023) / 1024f, (h >> 20) / 4096f);
    }

    /// <summary>1 well below zero, 0 well above, a ramp of the given width between.</summary>
    public static float Edge(float distance, float width) => Math.Clamp(0.5f - (distance / width), 0f, 1f);
}
