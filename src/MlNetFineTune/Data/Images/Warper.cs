using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Data;

/// <summary>
/// Resamples a source through any <see cref="Projection"/> to a square RGB picture in one pass: rotation, shear, perspective, resizing and
/// EXIF orientation together. A pixel is the mean of a grid of bilinear samples, as fine as the source; a sample outside the source has the
/// fill colour. If the source is not finer than the output, there is one sample per pixel, as in Pillow's <c>transform</c> with
/// <c>BILINEAR</c>.
/// </summary>
internal static class Warper
{
    // A source up to 16 times finer than the output is read completely; of a finer one some pixels are skipped.
    private const int FinestGrid = 16;

    // One sample per pixel up to this excess in density: the bilinear kernel still covers all source pixels.
    private const double Slack = 0.25;

    /// <param name="source">Decoded pixels.</param>
    /// <param name="map">Projective map from output pixels to pixels of the upright source at its own size.</param>
    /// <param name="size">Size of the output.</param>
    /// <param name="fill">Colour of output pixels that lie outside of the source.</param>
    /// <param name="output">[height, width, 3] bytes, red first.</param>
    public static void Warp(
        PixelSource source, in Projection map, PixelSize size, (byte Red, byte Green, byte Blue) fill, Span<byte> output)
    {
        var stored = ToStored(source) * map;
        var (across, down) = Grid(stored, size);
        var pixels = MemoryMarshal.Cast<byte, uint>(source.Pixels);
        var (red, blue) = source.BlueFirst ? (2, 0) : (0, 2);
        var outside = Vector128.Create(source.BlueFirst ? fill.Blue : fill.Red, fill.Green, source.BlueFirst ? fill.Red : fill.Blue, 0f);
        var share = Vector128.Create(1f / (across * down));
        var (stepAcross, stepDown) = (1.0 / across, 1.0 / down);
        var isAffine = stored is { IsAffine: true, I: 1 };
        var place = 0;
        for (var v = 0; v < size.Height; v++)
        {
            for (var u = 0; u < size.Width; u++, place += 3)
            {
                var sum = Vector128<float>.Zero;
                for (var j = 0; j < down; j++)
                {
                    for (var i = 0; i < across; i++)
                    {
                        var (a, b) = (u + (i + 0.5) * stepAcross, v + (j + 0.5) * stepDown);
                        // Affine maps need no division.
                        var (x, y) = isAffine
                            ? (stored.A * a + stored.B * b + stored.C, stored.D * a + stored.E * b + stored.F)
                            : stored.Map(a, b);
                        sum += Sample(pixels, source.Width, source.Height, x, y, outside);
                    }
                }
                // A mean of bytes is within 0 and 255.
                var rounded = Vector128.ConvertToInt32Native(sum * share + Vector128.Create(0.5f));
                output[place + 2] = (byte)rounded.GetElement(blue);
                output[place + 1] = (byte)rounded.GetElement(1);
                output[place] = (byte)rounded.GetElement(red);
            }
        }
    }

    private static Projection ToStored(PixelSource source)
    {
        var map = source.IsTransposed ? new Projection(0, 1, 0, 1, 0, 0) : Projection.Identity;
        if (source.ReversesColumns)
            map = new Projection(-1, 0, source.Width, 0, 1, 0) * map;
        if (source.ReversesRows)
            map = new Projection(1, 0, 0, 0, -1, source.Height) * map;
        return map;
    }

    // The finest grid that any of nine points needs.
    private static (int Across, int Down) Grid(in Projection map, PixelSize size)
    {
        var (across, down) = (1.0, 1.0);
        for (var v = 0; v <= 2; v++)
        {
            for (var u = 0; u <= 2; u++)
            {
                var steps = map.Steps(u * size.Width / 2.0, v * size.Height / 2.0);
                // NaN beyond the horizon: the comparison is false, and these points are ignored.
                across = steps.AlongX > across ? steps.AlongX : across;
                down = steps.AlongY > down ? steps.AlongY : down;
            }
        }
        return (Places(across), Places(down));

        static int Places(double steps) => (int)Math.Clamp(Math.Ceiling(steps - Slack), 1, FinestGrid);
    }

    // Pillow's rule (src/libImaging/Geometry.c): positions inside the picture near its border are interpolated between the existing pixels.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Sample(ReadOnlySpan<uint> pixels, int width, int height, double x, double y, Vector128<float> outside)
    {
        if (!(x >= 0 && x < width && y >= 0 && y < height))
            return outside;
        var (left, top) = (x - 0.5, y - 0.5);
        var (x0, y0) = (double.ConvertToIntegerNative<int>(Math.Floor(left)), double.ConvertToIntegerNative<int>(Math.Floor(top)));
        var (fx, fy) = (Vector128.Create((float)(left - x0)), Vector128.Create((float)(top - y0)));
        var x1 = Math.Min(x0 + 1, width - 1);
        var row1 = Math.Min(y0 + 1, height - 1) * width;
        x0 = Math.Max(x0, 0);
        var row0 = Math.Max(y0, 0) * width;
        // All indices are within the picture: x and y by the check before, their neighbours by clamping.
        ref var first = ref MemoryMarshal.GetReference(pixels);
        var (a, b) = (Load(Unsafe.Add(ref first, row0 + x0)), Load(Unsafe.Add(ref first, row0 + x1)));
        var (c, d) = (Load(Unsafe.Add(ref first, row1 + x0)), Load(Unsafe.Add(ref first, row1 + x1)));
        var upper = a + (b - a) * fx;
        var lower = c + (d - c) * fx;
        return upper + (lower - upper) * fy;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Load(uint pixel) =>
        Vector128.ConvertToSingle(Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalar(pixel).AsByte())).AsInt32());
}
