using Microsoft.ML.Data;
using MlNetFineTune.Data;

namespace MlNetFineTune.Transforms;

/// <summary>
/// A picture overlaid with the heat of a map, in its own size. The map covers the network's input, the centre crop; the area outside the
/// crop is darkened.
/// </summary>
internal static class HeatPicture
{
    // Opacity of cold areas relative to the hottest one, so that the heat is visible on bright pictures.
    private const float Coldest = 0.35f;

    // Relative to the strength: the darkening of the area outside the crop.
    private const float Beyond = 0.75f;

    /// <summary>Draws the heat over the picture.</summary>
    /// <param name="picture">The picture, which is changed in place.</param>
    /// <param name="preprocessing">Preprocessing of scoring.</param>
    /// <param name="method">The method, which defines the size of the map and its range.</param>
    /// <param name="map">The map in row-major order.</param>
    /// <param name="strength">Opacity of the heat, from 0 to 1.</param>
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

/// <summary>A map as heat, 0 to 1, with bilinear interpolation as in the Grad-CAM paper.</summary>
internal sealed class HeatField
{
    private readonly float[] _heat;
    private readonly int _width;
    private readonly int _height;

    public HeatField(HeatMapMethod method, ReadOnlySpan<float> map)
    {
        (_width, _height) = (method.Width, method.Height);
        var (cold, hot) = method.RangeOf(map);
        // A constant map is cold: no region contributes more than another.
        var scale = hot > cold ? 1 / (hot - cold) : 0;
        _heat = [.. map.ToArray().Select(value => Math.Clamp((value - cold) * scale, 0, 1))];
    }

    /// <summary>The heat at a position of the network's input: 0 is the left or upper edge, 1 the right or lower one.</summary>
    public float At(double across, double down)
    {
        var (left, right, toRight) = Neighbours(across, _width);
        var (upper, lower, toLower) = Neighbours(down, _height);
        var above = Between(_heat[upper * _width + left], _heat[upper * _width + right], toRight);
        return Between(above, Between(_heat[lower * _width + left], _heat[lower * _width + right], toRight), toLower);

        static float Between(float from, float to, float share) => from + (to - from) * share;
    }

    // Values are at the centres of cells; outside the outermost centres they are constant.
    private static (int First, int Second, float Share) Neighbours(double place, int count)
    {
        var at = Math.Clamp(place * count - 0.5, 0, count - 1);
        var first = (int)at;
        return (first, Math.Min(first + 1, count - 1), (float)(at - first));
    }
}
