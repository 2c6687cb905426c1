using System.Numerics;
using System.Runtime.InteropServices;
using SkiaSharp;

namespace QuickStart;

/// <summary>Lights the surface from one side, then simulates lens and sensor: exposure, colour cast, vignetting, blur, noise.</summary>
internal static class Camera
{
    public static SKBitmap Photograph(Surface surface, Dice dice)
    {
        Vector3[] picture = Lit(surface, dice);
        Expose(picture, surface, dice);
        Blur(picture, surface.Size, surface.PixelsPerUnit * (dice.Chance(0.5f) ? dice.Between(0f, 0.5f) : dice.Between(0.4f, 0.9f)));
        return Sensed(picture, surface.Size, dice);
    }

    /// <summary>Lambert's diffuse and Blinn's specular reflection under one distant lamp, seen from above.</summary>
    private static Vector3[] Lit(Surface surface, Dice dice)
    {
        int size = surface.Size;
        float elevation = dice.Between(0.45f, 1.2f), power = dice.Between(8f, 40f), shine = dice.Between(0.1f, 0.5f),
        ambient = dice.Between(0.25f, 0.5f);
        (float up, float flat) = MathF.SinCos(elevation);
        (float sine, float cosine) = MathF.SinCos(dice.Between(0f, MathF.Tau));
        var lamp = new Vector3(cosine * flat, sine * flat, up);
        Vector3 half = Vector3.Normalize(lamp + Vector3.UnitZ);
        var picture = new Vector3[size * size];
        for (int row = 0, i = 0; row < size; row++)
        {
            int above = row > 0 ? -size : 0, below = row < size - 1 ? size : 0;
            for (int column = 0; column < size; column++, i++)
            {
                int left = column > 0 ? -1 : 0, right = column < size - 1 ? 1 : 0;
                float slopeX = (surface.Height[i + right] - surface.Height[i + left]) * 0.5f * surface.PixelsPerUnit;
                float slopeY = (surface.Height[i + below] - surface.Height[i + above]) * 0.5f * surface.PixelsPerUnit;
                Vector3 normal = Vector3.Normalize(new Vector3(-slopeX, -slopeY, 1f));
                float diffuse = ambient + ((1f - ambient) * Math.Max(0f, Vector3.Dot(normal, lamp)) / up);
                float specular = shine * surface.Gloss[i] * MathF.Pow(Math.Max(0f, Vector3.Dot(normal, half)), power);
                picture[i] = ((surface.Colour[i] * diffuse) + new Vector3(specular)) * surface.Light[i];
            }
        }

        return picture;
    }

    /// <summary>The lamp's fall-off across the picture, the lens's towards the corners, white balance and exposure.</summary>
    private static void Expose(Vector3[] picture, Surface surface, Dice dice)
    {
        Vector3 mean = Vector3.Zero;
        foreach (Vector3 point in picture)
        {
            mean += point / picture.Length;
        }

        float brightness = Vector3.Dot(mean, new Vector3(0.3f, 0.59f, 0.11f));
        float wanted = Math.Clamp((0.5f * brightness) + dice.Between(0.1f, 0.36f), 0.12f, 0.75f);
        Vector3 gain = new Vector3(dice.Between(0.9f, 1.1f), 1f, dice.Between(0.88f, 1.1f)) * (wanted / Math.Max(0.02f, brightness));
        float falloff = dice.Between(0f, 0.45f), vignette = dice.Between(0f, 0.35f);
        (float sine, float cosine) = MathF.SinCos(dice.Between(0f, MathF.Tau));
        surface.ForEach((i, x, y) =>
        {
            float dx = (x / 48f) - 1f, dy = (y / 48f) - 1f;
            picture[i] *= gain * ((1f + (falloff * ((dx * cosine) + (dy * sine)))) * (1f - (vignette * 0.5f * ((dx * dx) + (dy * dy)))));
        });
    }

    /// <summary>A Gaussian blur of the given deviation in pixels, along rows and then along columns.</summary>
    private static void Blur(Vector3[] picture, int size, float deviation)
    {
        if (deviation < 0.25f)
        {
            return;
        }

        int reach = (int)MathF.Ceiling(2.5f * deviation);
        var weights = new float[reach + 1];
        float sum = 0f;
        for (int k = 0; k <= reach; k++)
        {
            weights[k] = MathF.Exp(-k * k / (2f * deviation * deviation));
            sum += k == 0 ? weights[k] : 2f * weights[k];
        }

        var line = new Vector3[size];
        foreach ((int step, int stride) in ((int, int)[])[(1, size), (size, 1)])
        {
            for (int start = 0; start < size * stride; start += stride)
            {
                for (int n = 0; n < size; n++)
                {
                    Vector3 total = picture[start + (n * step)] * weights[0];
                    for (int k = 1; k <= reach; k++)
                    {
                        total += (picture[start + (Math.Max(0, n - k) * step)] + picture[start + (Math.Min(size - 1, n + k) * step)])
                            * weights[k];
                    }

                    line[n] = total / sum;
                }

                for (int n = 0; n < size; n++)
                {
                    picture[start + (n * step)] = line[n];
                }
            }
        }
    }

    private static SKBitmap Sensed(Vector3[] picture, int size, Dice dice)
    {
        float grain = dice.Between(0.004f, 0.03f), colourGrain = 0.5f * grain;
        var bitmap = new SKBitmap(new SKImageInfo(size, size, SKColorType.Bgra8888, SKAlphaType.Opaque));
        var pixels = new byte[bitmap.ByteCount];
        for (int i = 0; i < picture.Length; i++)
        {
            float common = grain * dice.Normal();
            Vector3 seen = picture[i] + new Vector3(common) + (colourGrain * new Vector3(dice.Normal(), 0f, dice.Normal()));
            seen = Vector3.Clamp(seen, Vector3.Zero, Vector3.One) * 255f;
            pixels[4 * i] = (byte)(seen.Z + 0.5f);
            pixels[(4 * i) + 1] = (byte)(seen.Y + 0.5f);
            pixels[(4 * i) + 2] = (byte)(seen.X + 0.5f);
            pixels[(4 * i) + 3] = 255;
        }

        Marshal.Copy(pixels, 0, bitmap.GetPixels(), pixels.Length);
        return bitmap;
    }
}
