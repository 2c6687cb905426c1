using System.Numerics;
using System.Runtime.InteropServices;
using SkiaSharp;

namespace Pretrain;

/// <summary>
/// Renders a field of values like a photo: colours or relief or both, a textured background, uneven light, blur and noise, all random, so
/// that only the formula identifies the class.
/// </summary>
internal static class FormulaPaint
{
    public static SKBitmap Show(float[] field, int size, bool isFigure, Dice dice)
    {
        Soften(field, size, dice.Between(0f, 0.6f) * size / 96f);
        float[] ground = Ground(size, dice);
        Vector3[] picture = Coloured(field, ground, isFigure, dice);
        if (dice.Chance(0.5f))
        {
            Emboss(picture, field, ground, size, dice);
        }

        return Developed(picture, size, dice);
    }

    /// <summary>The background's texture: noise of random coarseness, along a random direction.</summary>
    private static float[] Ground(int size, Dice dice)
    {
        var noise = new Noise(dice);
        float finest = dice.Pick(4f, 10f, 30f), across = finest * dice.Between(0.3f, 1.3f), along = across * dice.Pick(1f, 1f, 0.15f);
        int octaves = dice.Whole(1, 4);
        (float sine, float cosine) = MathF.SinCos(dice.Between(0f, MathF.Tau));
        var ground = new float[size * size];
        for (int i = 0; i < ground.Length; i++)
        {
            float x = (float)(i % size) / size, y = (float)(i / size) / size;
            ground[i] = noise.Fractal(along * ((x * cosine) + (y * sine)), across * ((y * cosine) - (x * sine)), octaves);
        }

        return ground;
    }

    private static Vector3[] Coloured(float[] field, float[] ground, bool isFigure, Dice dice)
    {
        float saturation = dice.Chance(0.4f) ? 0.08f : 0.5f;
        Vector3 low = Colour(dice, saturation), high = Colour(dice, saturation), third = Colour(dice, saturation);
        float wanted = dice.Between(0.12f, dice.Between(0.3f, 0.95f)), apart = Vector3.Distance(low, high) + 0.02f;
        high = Vector3.Clamp(low + ((high - low) * Math.Max(wanted / apart, Math.Min(1f, wanted * 2f))), Vector3.Zero, Vector3.One);
        (low, high) = dice.Chance(0.5f) ? (low, high) : (high, low);
        float lowTexture = dice.Between(0f, isFigure ? 0.25f : 0.12f), highTexture = dice.Between(0f, 0.2f),
        bend = dice.Between(0.6f, 1.6f);
        bool threeColours = dice.Chance(0.3f);
        var picture = new Vector3[field.Length];
        for (int i = 0; i < field.Length; i++)
        {
            float value = MathF.Pow(field[i], bend);
            Vector3 colour = threeColours && value > 0.5f ? Vector3.Lerp(high, third, (2f * value) - 1f)
                : Vector3.Lerp(low, high, threeColours ? 2f * value : value);
            picture[i] = colour * (1f + (ground[i] * (lowTexture + ((highTexture - lowTexture) * value))));
        }

        return picture;
    }

    /// <summary>Interprets the field as a height map and lights it from one side; colours are preserved.</summary>
    private static void Emboss(Vector3[] picture, float[] field, float[] ground, int size, Dice dice)
    {
        (float sine, float cosine) = MathF.SinCos(dice.Between(0f, MathF.Tau));
        float depth = dice.Pick(-1f, 1f) * dice.Between(0.4f, 2f), rough = dice.Between(0f, 0.25f), fade = dice.Chance(0.5f)
            ? dice.Between(0.5f, 1f)
            : 0f;
        Vector3 mean = Vector3.Zero;
        foreach (Vector3 point in picture)
        {
            mean += point / picture.Length;
        }

        for (int i = 0; i < picture.Length; i++)
        {
            int right = (i % size) < size - 1 ? i + 1 : i, below = i < picture.Length - size ? i + size : i;
            float slopeX = (depth * (field[right] - field[i])) + (rough * (ground[right] - ground[i]));
            float slopeY = (depth * (field[below] - field[i])) + (rough * (ground[below] - ground[i]));
            float slope = (slopeX * cosine) + (slopeY * sine);
            picture[i] = Vector3.Lerp(picture[i], mean, fade) * Math.Clamp(1f + slope, 0.25f, 2.2f);
        }
    }

    private static SKBitmap Developed(Vector3[] picture, int size, Dice dice)
    {
        float deviation = (dice.Chance(0.5f) ? 0f : dice.Between(0.3f, 1.1f)) * size / 96f;
        float slope = dice.Between(0f, 0.4f), vignette = dice.Between(0f, 0.3f), grain = dice.Between(0f, 0.035f);
        Vector3 cast = new(dice.Between(0.88f, 1.12f), dice.Between(0.9f, 1.1f), dice.Between(0.88f, 1.12f));
        (float sine, float cosine) = MathF.SinCos(dice.Between(0f, MathF.Tau));
        Soften(MemoryMarshal.Cast<Vector3, float>(picture.AsSpan()), size, deviation, 3);
        var pixels = new byte[4 * picture.Length];
        for (int i = 0; i < picture.Length; i++)
        {
            float x = (2f * (i % size) / size) - 1f, y = (2f * (i / size) / size) - 1f;
            float light = (1f + (slope * ((x * cosine) + (y * sine)))) * (1f - (0.5f * vignette * ((x * x) + (y * y))));
            Vector3 seen = (picture[i] * cast * light) + new Vector3(grain * dice.Normal());
            seen = Vector3.Clamp(seen, Vector3.Zero, Vector3.One) * 255f;
            (pixels[4 * i], pixels[(4 * i) + 1], pixels[(4 * i) + 2], pixels[(4 * i) + 3]) =
                ((byte)(seen.Z + 0.5f), (byte)(seen.Y + 0.5f), (byte)(seen.X + 0.5f), 255);
        }

        var bitmap = new SKBitmap(new SKImageInfo(size, size, SKColorType.Bgra8888, SKAlphaType.Opaque));
        Marshal.Copy(pixels, 0, bitmap.GetPixels(), pixels.Length);
        return bitmap;
    }

    /// <summary>A blur by the kernel (w, 1 - 2w, w), along rows and then along columns, as often as the deviation needs.</summary>
    private static void Soften(Span<float> values, int size, float deviation, int channels = 1)
    {
        float variance = deviation * deviation;
        for (; variance > 0.01f; variance -= 0.5f)
        {
            float weight = 0.5f * Math.Min(0.5f, variance);
            foreach ((int step, int stride) in ((int, int)[])[(channels, size * channels), (size * channels, channels)])
            {
                for (int line = 0; line < size; line++)
                {
                    for (int channel = 0; channel < channels; channel++)
                    {
                        int start = (line * stride) + channel, end = start + ((size - 1) * step);
                        float before = values[start];
                        for (int i = start; i <= end; i += step)
                        {
                            float here = values[i], after = i < end ? values[i + step] : here;
                            values[i] = here + (weight * (before - here + after - here));
                            before = here;
                        }
                    }
                }
            }
        }
    }

    private static Vector3 Colour(Dice dice, float saturation)
    {
        float grey = dice.Between(0.08f, 0.95f), tint = dice.Between(0f, saturation) * dice.Unit();
        return Vector3.Clamp(new Vector3(grey) + (tint * new Vector3(dice.Normal(), dice.Normal(), dice.Normal())), Vector3.Zero,
            Vector3.One);
    }
}
