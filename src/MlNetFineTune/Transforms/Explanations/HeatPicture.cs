using Microsoft.ML.Data;
using MlNetFineTune.Data;

namespace MlNetFineTune.Transforms;

/// <summary>
/// A picture with the heat of a map over it. The map covers what the network saw of the picture, the centre crop, and is laid there, in the
/// picture's own size; what lies beyond the crop, which the network did not see, is darkened.
/// </summary>
internal static class HeatPicture
{
    // What is cold is covered by this much of what the hottest place is, so that the heat stands out of a bright picture.
    private const float Coldest = 0.35f;

    // Of the strength: what is beyond the crop loses so much of its light.
    private const float Beyond = 0.75f;

    /// <summary>Draws the heat into the picture.</summary>
    /// <param name="picture">Changed.</param>
    /// <param name="preprocessing">What scoring does to the picture.</param>
    /// <param name="method">Says how large the map is, and what of it is hot.</param>
    /// <param name="map">Row by row.</param>
    /// <param name="strength">From 0, no heat, to 1.</param>
    public static void Draw(
        UprightPicture picture, ImagePreprocessing preprocessing, HeatMapMethod method, ReadOnlySpan<float> map, float strength)
    {
        var heat = new HeatField(method, map);
        var crop = ImagePlan.CenterCrop(picture.Width, picture.Height, preprocessing);
        for (var y = 0; y < picture.Height; y++)
        {
            var down = (y + 0.5 - crop.Y) / crop.Height;
            for (var x = 0; x < picture.Width; x++)
            {
                var across = (x + 0.5 - crop.X) / crop.Width;
                var pixel = picture.Pixels.AsSpan((y * picture.Width + x) * 4, 3);
                if (across is < 0 or >= 1 || down is < 0 or >= 1)
                    Cover(pixel, (0, 0, 0), strength * Beyond);
                else if (heat.At(across, down) is var here)
                    Cover(pixel, HeatColors.Of(here), strength * (Coldest + (1 - Coldest) * here));
            }
        }
    }

    /// <summary>The caller disposes it.</summary>
    public static MLImage ToImage(UprightPicture picture) =>
        MLImage.CreateFromPixels(picture.Width, picture.Height, MLPixelFormat.Rgba32, picture.Pixels);

    private static void Cover(Span<byte> pixel, (float Red, float Green, float Blue) color, float share)
    {
        pixel[0] = Mixed(pixel[0], color.Red);
        pixel[1] = Mixed(pixel[1], color.Green);
        pixel[2] = Mixed(pixel[2], color.Blue);

        byte Mixed(byte from, float to) => (byte)(from + (to - from) * share + 0.5f);
    }
}

/// <summary>A map as a field of heat, 0 to 1, between whose values there are straight lines (bilinear, as the paper of Grad-CAM enlarges).
/// </summary>
internal sealed class HeatField
{
    private readonly float[] _heat;
    private readonly int _width;
    private readonly int _height;

    public HeatField(HeatMapMethod method, ReadOnlySpan<float> map)
    {
        (_width, _height) = (method.Width, method.Height);
        var (cold, hot) = method.RangeOf(map);
        // A map without differences is cold: nothing speaks for the output more than anything else.
        var scale = hot > cold ? 1 / (hot - cold) : 0;
        _heat = [.. map.ToArray().Select(value => Math.Clamp((value - cold) * scale, 0, 1))];
    }

    /// <summary>The heat at a place of what the network saw: 0 is its left or upper edge, 1 its right or lower one.</summary>
    public float At(double across, double down)
    {
        var (left, right, toRight) = Neighbours(across, _width);
        var (upper, lower, toLower) = Neighbours(down, _height);
        var above = Between(_heat[upper * _width + left], _heat[upper * _width + right], toRight);
        return Between(above, Between(_heat[lower * _width + left], _heat[lower * _width + right], toRight), toLower);

        static float Between(float from, float to, float share) => from + (to - from) * share;
    }

    // A value stands in the middle of its cell; beyond the outermost middles it goes on.
    private static (int First, int Second, float Share) Neighbours(double place, int count)
    {
        var at = Math.Clamp(place * count - 0.5, 0, count - 1);
        var first = (int)at;
        return (first, Math.Min(first + 1, count - 1), (float)(at - first));
    }
}
