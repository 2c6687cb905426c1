using System.Numerics;

namespace QuickStart;

/// <summary>The rendered surface: colour, height, gloss and illumination of every point.</summary>
internal sealed class Surface
{
    /// <summary>Side of the picture in units of length, so that pictures are similar at any size.</summary>
    public const float Side = 96f;

    public Surface(int size)
    {
        Size = size;
        PixelsPerUnit = size / Side;
        Colour = new Vector3[size * size];
        Height = new float[size * size];
        Gloss = new float[size * size];
        Light = new float[size * size];
        Array.Fill(Light, 1f);
    }

    public int Size { get; }

    public float PixelsPerUnit { get; }

    /// <summary>Reflectance of red, green and blue, 0..1.</summary>
    public Vector3[] Colour { get; }

    /// <summary>Height above the plane, in units of length.</summary>
    public float[] Height { get; }

    /// <summary>Gloss: 0 is matt, 1 a mirror.</summary>
    public float[] Gloss { get; }

    /// <summary>Illumination: 1 is fully lit, 0 dark.</summary>
    public float[] Light { get; }

    /// <summary>Visits every point: its index in the arrays and its coordinates, 0..<see cref="Side"/>.</summary>
    public void ForEach(Action<int, float, float> visit)
    {
        for (int row = 0, i = 0; row < Size; row++)
        {
            float y = (row + 0.5f) / PixelsPerUnit;
            for (int column = 0; column < Size; column++, i++)
            {
                visit(i, (column + 0.5f) / PixelsPerUnit, y);
            }
        }
    }

    /// <summary>How much of a pixel lies within <paramref name="halfWidth"/> of a line at <paramref name="distance"/>
    /// (antialiasing).</summary>
    public float Coverage(float distance, float halfWidth)
    {
        float inside = Math.Clamp(((halfWidth - distance) * PixelsPerUnit) + 0.5f, 0f, 1f);
        return inside * Math.Min(1f, 2f * halfWidth * PixelsPerUnit);
    }

    /// <summary>0 below <paramref name="low"/>, 1 above <paramref name="high"/>, smooth between.</summary>
    public static float Step(float low, float high, float value)
    {
        float t = Math.Clamp((value - low) / (high - low), 0f, 1f);
        return t * t * (3f - (2f * t));
    }
}
