namespace QuickStart;

/// <summary>
/// Perlin's gradient noise (Perlin, "Improving Noise", SIGGRAPH 2002) over a plane, about -1..1, period 256;
/// <see cref="Fractal"/> adds octaves of it, as in natural textures.
/// </summary>
internal sealed class Noise
{
    private readonly byte[] _order = new byte[512];

    public Noise(Dice dice)
    {
        for (int i = 0; i < 256; i++)
        {
            int j = dice.Whole(0, i);
            _order[i] = _order[j];
            _order[j] = (byte)i;
        }

        Array.Copy(_order, 0, _order, 256, 256);
    }

    public float At(float x, float y)
    {
        float floorX = MathF.Floor(x), floorY = MathF.Floor(y);
        int column = (int)floorX & 255, row = (int)floorY & 255;
        float dx = x - floorX, dy = y - floorY;
        int left = _order[column], right = _order[column + 1];
        float fadeX = Fade(dx), fadeY = Fade(dy);
        float top = Mix(Slope(_order[left + row], dx, dy), Slope(_order[right + row], dx - 1, dy), fadeX);
        float bottom = Mix(Slope(_order[left + row + 1], dx, dy - 1), Slope(_order[right + row + 1], dx - 1, dy - 1), fadeX);
        return Mix(top, bottom, fadeY);
    }

    /// <summary>Octaves of noise, each twice as fine and half as strong as the one before.</summary>
    public float Fractal(float x, float y, int octaves)
    {
        float sum = 0, strength = 1;
        for (int octave = 0; octave < octaves; octave++)
        {
            sum += strength * At(x, y);
            (x, y, strength) = ((x * 2f) + 17.3f, (y * 2f) + 5.9f, strength * 0.5f);
        }

        return sum;
    }

    private static float Fade(float t) => t * t * t * ((t * ((t * 6f) - 15f)) + 10f);

    private static float Mix(float a, float b, float t) => a + ((b - a) * t);

    private static float Slope(int hash, float x, float y) => (hash & 7) switch
    {
        0 => x + y,
        1 => x - y,
        2 => -x + y,
        3 => -x - y,
        4 => 1.41421356f * x,
        5 => -1.41421356f * x,
        6 => 1.41421356f * y,
        _ => -1.41421356f * y,
    };
}
