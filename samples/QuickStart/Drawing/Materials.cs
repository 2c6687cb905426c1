using System.Numerics;

namespace QuickStart;

/// <summary>Materials: colour, relief and gloss of the surface without defects.</summary>
internal static class Materials
{
    private static readonly Action<Surface, Dice>[] All = [Paint, BrushedMetal, Concrete, Plastic, Wood, Granite, Rubber, Enamel];

    public static void Lay(Surface surface, Dice dice) => dice.Pick<Action<Surface, Dice>>(All)(surface, dice);

    /// <summary>Hue in turns, saturation and brightness 0..1, to red, green and blue.</summary>
    public static Vector3 Hue(float hue, float saturation, float brightness)
    {
        float Channel(float turn)
        {
            float distance = Math.Abs((((hue + turn) % 1f + 1f) % 1f * 6f) - 3f);
            return brightness * (1f - (saturation * (1f - Math.Clamp(distance - 1f, 0f, 1f))));
        }

        return new Vector3(Channel(0f), Channel(2f / 3f), Channel(1f / 3f));
    }

    private static void Paint(Surface surface, Dice dice)
    {
        Vector3 colour = Hue(dice.Pick(dice.Unit(), dice.Between(0.02f, 0.16f), dice.Between(0.5f, 0.66f)),
            dice.Between(0.05f, dice.Between(0.1f, 0.7f)), dice.Between(0.3f, 0.9f));
        Lay(surface, dice, colour, mottle: 0.05f, mottleScale: 0.03f, relief: dice.Between(0.02f, 0.25f),
            reliefScale: dice.Between(0.15f, 0.4f), gloss: 0.5f);
    }

    private static void Plastic(Surface surface, Dice dice)
    {
        Vector3 colour = Hue(dice.Unit(), dice.Between(0f, dice.Between(0.05f, 0.5f)), dice.Between(0.15f, 0.85f));
        Lay(surface, dice, colour, mottle: 0.03f, mottleScale: 0.05f, relief: dice.Between(0.15f, 0.5f),
            reliefScale: dice.Between(0.4f, 0.9f), gloss: 0.35f);
    }

    private static void Concrete(Surface surface, Dice dice)
    {
        Vector3 colour = Hue(dice.Between(0.05f, 0.17f), dice.Between(0f, 0.14f), dice.Between(0.4f, 0.8f));
        float mottle = dice.Between(0.1f, 0.22f), mottleScale = dice.Between(0.04f, 0.12f);
        Lay(surface, dice, colour, mottle, mottleScale, relief: dice.Between(0.4f, 1.2f), reliefScale: dice.Between(0.1f, 0.35f),
            gloss: 0.03f);
    }

    private static void Rubber(Surface surface, Dice dice)
    {
        Vector3 colour = Hue(dice.Unit(), dice.Between(0f, 0.15f), dice.Between(0.12f, 0.3f));
        Lay(surface, dice, colour, mottle: 0.14f, mottleScale: 0.3f, relief: dice.Between(0.3f, 0.9f),
            reliefScale: dice.Between(0.3f, 0.7f), gloss: 0.15f);
    }

    private static void Enamel(Surface surface, Dice dice)
    {
        Vector3 colour = Hue(dice.Unit(), dice.Between(0f, 0.2f), dice.Between(0.7f, 0.95f));
        Lay(surface, dice, colour, mottle: 0.02f, mottleScale: 0.02f, relief: 0.03f, reliefScale: 0.08f, gloss: 0.8f);
    }

    private static void Lay(Surface surface, Dice dice, Vector3 colour, float mottle, float mottleScale, float relief, float reliefScale,
        float gloss)
    {
        Noise tone = new(dice), bumps = new(dice);
        surface.ForEach((i, x, y) =>
        {
            surface.Colour[i] = colour * (1f + (mottle * tone.Fractal(x * mottleScale, y * mottleScale, 4)));
            surface.Height[i] = relief * bumps.Fractal(x * reliefScale, y * reliefScale, 3);
            surface.Gloss[i] = gloss;
        });
    }

    private static void BrushedMetal(Surface surface, Dice dice)
    {
        Vector3 colour = Hue(dice.Pick(0.1f, 0.58f), dice.Between(0f, 0.15f), dice.Between(0.4f, 0.75f));
        (float sine, float cosine) = MathF.SinCos(dice.Between(0f, MathF.PI));
        float stripes = dice.Between(0.04f, 0.16f), along = dice.Between(0.01f, 0.04f), across = dice.Between(0.6f, 1.4f);
        var grain = new Noise(dice);
        surface.ForEach((i, x, y) =>
        {
            float u = (x * cosine) + (y * sine), v = (y * cosine) - (x * sine);
            float line = grain.Fractal(u * along, v * across, 2);
            surface.Colour[i] = colour * (1f + (stripes * line));
            surface.Height[i] = 0.12f * line;
            surface.Gloss[i] = 0.6f;
        });
    }

    private static void Wood(Surface surface, Dice dice)
    {
        Vector3 light = Hue(dice.Between(0.05f, 0.12f), dice.Between(0.25f, 0.6f), dice.Between(0.45f, 0.85f));
        Vector3 dark = light * dice.Between(0.6f, 0.85f);
        (float sine, float cosine) = MathF.SinCos(dice.Pick(0f, MathF.PI / 2f) + (0.15f * dice.Normal()));
        float rings = dice.Between(0.06f, 0.25f), varnish = dice.Between(0.05f, 0.4f);
        Noise warp = new(dice), fibre = new(dice);
        surface.ForEach((i, x, y) =>
        {
            float u = (x * cosine) + (y * sine), v = (y * cosine) - (x * sine);
            float ring = MathF.Sin(MathF.Tau * ((v * rings) + (1.6f * warp.Fractal(u * 0.01f, v * 0.03f, 2))));
            float fibres = fibre.Fractal(u * 0.05f, v * 0.8f, 2);
            surface.Colour[i] = Vector3.Lerp(light, dark, 0.5f + (0.35f * ring) + (0.3f * fibres));
            surface.Height[i] = 0.15f * fibres;
            surface.Gloss[i] = varnish;
        });
    }

    private static void Granite(Surface surface, Dice dice)
    {
        Vector3 ground = Hue(dice.Unit(), dice.Between(0f, 0.2f), dice.Between(0.35f, 0.75f));
        Vector3 grain = ground * dice.Between(0.55f, 0.85f), crystal = Vector3.Lerp(ground, Vector3.One, dice.Between(0.1f, 0.4f));
        float scale = dice.Between(0.2f, 0.6f), polish = dice.Between(0.1f, 0.5f);
        Noise darkGrains = new(dice), lightGrains = new(dice);
        surface.ForEach((i, x, y) =>
        {
            float dark = Surface.Step(0.15f, 0.45f, darkGrains.Fractal(x * scale, y * scale, 2));
            float bright = Surface.Step(0.2f, 0.5f, lightGrains.Fractal(x * scale, y * scale, 2));
            surface.Colour[i] = Vector3.Lerp(Vector3.Lerp(ground, grain, dark), crystal, bright);
            surface.Height[i] = 0.1f * (bright - dark);
            surface.Gloss[i] = polish;
        });
    }
}
