using MlNetFineTune.Data;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Examination;

/// <summary>
/// Measurements of a picture as a network sees it: upright, at 256 pixels or, if its shorter side is less, at the next lower multiple of
/// 32. A photo that is out of focus in its full resolution only is sharp here.
/// </summary>
/// <param name="Contrast">Grey levels, 0 to 255, between the 1 % darkest and the 1 % brightest pixels. 0 for a uniform picture.</param>
/// <param name="Sharpness">
/// Standard deviation of the Laplacian (its variance is the focus measure of Pech-Pacheco et al. 2000) in the sharpest of 8 x 8 tiles,
/// because a photo with a blurred background is not blurred; divided by the standard deviation of the whole picture, because fog and bare
/// concrete are not blurred either. Without a unit.
/// </param>
/// <param name="Hash">The perceptual hash.</param>
internal readonly record struct PictureMeasures(float Contrast, float Sharpness, ulong Hash)
{
    private const int Tiles = 8;
    private const double Tail = 0.01; // of the pixels, at either end, are left out of the contrast

    private static readonly ImageEncoder[] s_encoders =
        [.. Enumerable.Range(0, 8).Select(step => new ImageEncoder(new ImagePreprocessing { Size = 256 - 32 * step, CropFraction = 1 }))];

    /// <summary>Decodes and measures a picture.</summary>
    /// <param name="images">The pictures.</param>
    /// <param name="row">Index of the picture.</param>
    /// <param name="header">The picture's header; null if it cannot be read.</param>
    /// <param name="measures">The measurements, if no reason is returned.</param>
    /// <param name="cancellation">Cancels waiting for memory.</param>
    /// <returns>The reason why the picture cannot be used; null if it can.</returns>
    public static string? Take(
        ImageRows images, int row, PictureHeader? header, out PictureMeasures measures, CancellationToken cancellation)
    {
        var shorter = header is { Size: var size } ? Math.Min(size.Width, size.Height) : 0;
        var encoder = s_encoders.FirstOrDefault(known => known.Preprocessing.Size <= shorter) ?? s_encoders[^1];
        using var pixels = new ScratchBuffer<byte>(encoder.Length);
        if (images.Encode(row, encoder, WholeView.Instance, default, pixels.Span, cancellation) is { } reason)
        {
            measures = default;
            return reason;
        }
        var side = encoder.Preprocessing.Size;
        using var grey = new ScratchBuffer<byte>(side * side);
        for (var i = 0; i < side * side; i++)
            grey.Span[i] = Luminance(pixels.Span.Slice(3 * i, 3));
        measures = new(ContrastOf(grey.Span), SharpnessOf(grey.Span, side), PerceptualHash.Of(grey.Span, side));
        return null;
    }

    // ITU-R BT.601, as Pillow's conversion to L: https://pillow.readthedocs.io/en/stable/reference/Image.html#PIL.Image.Image.convert
    private static byte Luminance(ReadOnlySpan<byte> rgb) => (byte)((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16);

    private static float ContrastOf(ReadOnlySpan<byte> grey)
    {
        Span<int> counts = stackalloc int[256];
        foreach (var level in grey)
            counts[level]++;
        var tail = (int)(Tail * grey.Length);
        int dark = 0, bright = 255;
        for (var below = counts[dark]; below <= tail;)
            below += counts[++dark];
        for (var above = counts[bright]; above <= tail;)
            above += counts[--bright];
        return Math.Max(0, bright - dark);
    }

    private static double VarianceOf(ReadOnlySpan<byte> grey)
    {
        var (sum, squares) = (0L, 0L);
        foreach (var level in grey)
        {
            sum += level;
            squares += level * level;
        }
        var mean = sum / (double)grey.Length;
        return squares / (double)grey.Length - mean * mean;
    }

    private static float SharpnessOf(ReadOnlySpan<byte> grey, int side)
    {
        Span<double> sum = stackalloc double[Tiles * Tiles], squares = stackalloc double[Tiles * Tiles];
        Span<int> count = stackalloc int[Tiles * Tiles];
        for (var y = 1; y < side - 1; y++)
        {
            for (var x = 1; x < side - 1; x++)
            {
                var at = y * side + x;
                var laplacian = grey[at - side] + grey[at - 1] - 4 * grey[at] + grey[at + 1] + grey[at + side];
                var tile = y * Tiles / side * Tiles + x * Tiles / side;
                sum[tile] += laplacian;
                squares[tile] += (double)laplacian * laplacian;
                count[tile]++;
            }
        }
        var largest = 0d;
        for (var tile = 0; tile < count.Length; tile++)
        {
            var mean = sum[tile] / count[tile];
            largest = Math.Max(largest, squares[tile] / count[tile] - mean * mean);
        }
        return (float)Math.Sqrt(largest / Math.Max(VarianceOf(grey), 1));
    }
}
