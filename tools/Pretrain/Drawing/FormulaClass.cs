namespace Pretrain;

/// <summary>One class: its name and how to draw it as a field of size × size values in 0..1.</summary>
/// <param name="Name">The folder's name.</param>
/// <param name="IsFigure">Whether it is a figure on a background, which then gets its own texture, or fills the picture.</param>
/// <param name="Draw">Draws one of its pictures.</param>
internal sealed record FormulaClass(string Name, bool IsFigure, Func<Dice, int, float[]> Draw)
{
    /// <summary>A class that fills the picture: a formula over the plane, seen under a random turn, scale, shift and warp.</summary>
    /// <param name="name">The folder's name.</param>
    /// <param name="fewest">Fewest units of the formula's plane across the picture.</param>
    /// <param name="most">Most units across the picture.</param>
    /// <param name="formula">Fixes one picture's parameters and gives its formula.</param>
    /// <param name="shift">How far the view may lie from the plane's origin, in units.</param>
    public static FormulaClass Plane(
        string name, float fewest, float most, Func<Dice, Func<float, float, float>> formula, float shift = 90f) =>
        new(name, false, (dice, size) =>
    {
        Func<float, float, float> value = formula(dice);
        float across = fewest * MathF.Pow(most / fewest, dice.Unit()), shear = 0.12f * dice.Normal(), squeeze = dice.Between(0.8f, 1.25f);
        (float sine, float cosine) = MathF.SinCos(dice.Between(0f, MathF.Tau));
        float shiftX = dice.Between(-shift, shift), shiftY = dice.Between(-shift, shift), bend = dice.Chance(0.6f)
            ? dice.Between(0f, 0.06f) * across
            : 0f;
        var warp = new Noise(dice);
        var field = new float[size * size];
        for (int i = 0; i < field.Length; i++)
        {
            // Two samples on the pixel's diagonal are enough antialiasing for a picture that is blurred later.
            field[i] = 0.5f * (At((i % size) + 0.25f, (i / size) + 0.3f) + At((i % size) + 0.75f, (i / size) + 0.7f));
        }

        return field;

        float At(float column, float row)
        {
            float x = (column / size) - 0.5f, y = (row / size) - 0.5f;
            float u = across * ((x * cosine) + (y * (sine + shear))), v = across * squeeze * ((y * cosine) - (x * sine));
            if (bend > 0f)
            {
                (u, v) = (u + (bend * warp.At(x * 2.5f, y * 2.5f)), v + (bend * warp.At((x * 2.5f) + 40f, (y * 2.5f) + 40f)));
            }

            return Math.Clamp(value(u + shiftX, v + shiftY), 0f, 1f);
        }
    });
}
