using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>
/// Resamples a region of a source to an RGB picture in one pass: cropping, resizing, mirroring and EXIF orientation together. Antialiased
/// and separable as in Pillow; unlike torchvision, which crops first, the filter reads pixels beyond the border of the crop.
/// </summary>
internal static class Resampler
{
    private const int Channels = 4;

    /// <param name="source">Decoded pixels.</param>
    /// <param name="plan">Region in upright coordinates of <paramref name="source"/>'s own size.</param>
    /// <param name="size">Size of the output.</param>
    /// <param name="interpolation">The filter.</param>
    /// <param name="output">[height, width, 3] bytes, red first.</param>
    public static void Resample(PixelSource source, in ImagePlan plan, PixelSize size, Interpolation interpolation, Span<byte> output)
    {
        var (across, acrossLength, down, downLength) = StoredRegion(source, plan);
        var lines = new OutputLines(source, plan.Mirrored, plan.Flipped, size);
        var (columns, rows) = lines.Size;
        if (IsExact(across, acrossLength, columns, source.Width) && IsExact(down, downLength, rows, source.Height))
            Copy(source, (int)across, (int)down, lines, output);
        else
            Filter(source, new ResamplingKernel(across, acrossLength, source.Width, columns, interpolation),
                new ResamplingKernel(down, downLength, source.Height, rows, interpolation), lines, output);

        // A region of the output's size at integer coordinates: every filter is the identity.
        static bool IsExact(double start, double length, int places, int available) =>
            length == places && start == Math.Floor(start) && start >= 0 && start + length <= available;
    }

    /// <summary>The window that <see cref="Resample"/> reads.</summary>
    /// <param name="picture">The picture; its pixels are not read.</param>
    /// <param name="plan">As for <see cref="Resample"/>.</param>
    /// <param name="size">As for <see cref="Resample"/>.</param>
    /// <param name="interpolation">As for <see cref="Resample"/>.</param>
    public static PixelWindow Reads(PixelSource picture, in ImagePlan plan, PixelSize size, Interpolation interpolation)
    {
        var (columns, rows) = picture.IsTransposed ? size.Transposed : size;
        var (across, acrossLength, down, downLength) = StoredRegion(picture, plan);
        var (besides, above) = (ResamplingKernel.Support(acrossLength / columns, interpolation),
            ResamplingKernel.Support(downLength / rows, interpolation));
        return PixelWindow.Covering(across - besides, down - above, across + acrossLength + besides, down + downLength + above,
            picture.Width, picture.Height);
    }

    // The region in stored coordinates, where columns are "across" and rows are "down".
    private static (double Across, double AcrossLength, double Down, double DownLength) StoredRegion(PixelSource source, in ImagePlan plan)
    {
        var (across, acrossLength, down, downLength) = source.IsTransposed
            ? (plan.Y, plan.Height, plan.X, plan.Width)
            : (plan.X, plan.Width, plan.Y, plan.Height);
        if (source.ReversesColumns)
            across = source.Width - across - acrossLength;
        if (source.ReversesRows)
            down = source.Height - down - downLength;
        return (across, acrossLength, down, downLength);
    }

    private static void Copy(PixelSource source, int left, int top, OutputLines lines, Span<byte> output)
    {
        for (var v = 0; v < lines.Size.Height; v++)
            lines.Write(v, source.Row(top + v).Slice((left - source.Window.Left) * Channels, lines.Size.Width * Channels), output);
    }

    private static void Filter(PixelSource source, in ResamplingKernel columns, in ResamplingKernel rows, OutputLines lines,
        Span<byte> output)
    {
        var (width, height) = lines.Size;
        var firstRow = rows.First.Min();
        var endRow = 0;
        for (var o = 0; o < height; o++)
            endRow = Math.Max(endRow, rows.First[o] + rows.Count[o]);

        var stride = width * Channels;
        using var shrunk = new ScratchBuffer<float>((endRow - firstRow) * stride);
        using var line = new ScratchBuffer<float>(source.Window.Width * Channels);
        using var bytes = new ScratchBuffer<byte>(stride);
        for (var y = firstRow; y < endRow; y++)
        {
            ToSingle(source.Row(y), line.Span);
            ShrinkRow(line.Span, source.Window.Left, columns, shrunk.Span.Slice((y - firstRow) * stride, stride));
        }
        for (var v = 0; v < height; v++)
        {
            ShrinkColumn(shrunk.Span, rows, v, firstRow, stride, bytes.Span);
            lines.Write(v, bytes.Span, output);
        }
    }

    private static void ToSingle(ReadOnlySpan<byte> bytes, Span<float> values)
    {
        var i = 0;
        for (; i + 8 <= bytes.Length; i += 8)
        {
            var packed = Vector128.CreateScalar(MemoryMarshal.Read<ulong>(bytes[i..])).AsByte();
            var (low, high) = Vector128.Widen(Vector128.WidenLower(packed));
            Vector128.ConvertToSingle(low.AsInt32()).CopyTo(values[i..]);
            Vector128.ConvertToSingle(high.AsInt32()).CopyTo(values[(i + 4)..]);
        }
        for (; i < bytes.Length; i++)
            values[i] = bytes[i];
    }

    // One output pixel is one vector of four channels.
    private static void ShrinkRow(ReadOnlySpan<float> line, int left, in ResamplingKernel kernel, Span<float> output)
    {
        var pixels = MemoryMarshal.Cast<float, Vector128<float>>(line);
        var result = MemoryMarshal.Cast<float, Vector128<float>>(output);
        for (var o = 0; o < result.Length; o++)
        {
            var weights = kernel.Weights.AsSpan(o * kernel.Taps, kernel.Count[o]);
            var window = pixels.Slice(kernel.First[o] - left, weights.Length);
            var sum = Vector128<float>.Zero;
            for (var k = 0; k < weights.Length; k++)
                sum += window[k] * weights[k];
            result[o] = sum;
        }
    }

    private static void ShrinkColumn(
        ReadOnlySpan<float> shrunk, in ResamplingKernel kernel, int o, int firstRow, int stride, Span<byte> output)
    {
        var weights = kernel.Weights.AsSpan(o * kernel.Taps, kernel.Count[o]);
        var lines = shrunk.Slice((kernel.First[o] - firstRow) * stride, weights.Length * stride);
        var i = 0;
        for (; i + 8 <= stride; i += 8) // two pixels
        {
            var sum = Vector256<float>.Zero;
            for (var k = 0; k < weights.Length; k++)
                sum += Vector256.Create(lines.Slice(k * stride + i, 8)) * weights[k];
            var rounded = Vector256.ConvertToInt32(
                Vector256.Clamp(sum + Vector256.Create(0.5f), Vector256<float>.Zero, Vector256.Create(255f)));
            var packed = Vector128.Narrow(Vector128.Narrow(rounded.GetLower(), rounded.GetUpper()), default);
            MemoryMarshal.Write(output[i..], packed.AsUInt64().ToScalar());
        }
        for (; i < stride; i++)
        {
            var sum = 0f;
            for (var k = 0; k < weights.Length; k++)
                sum += lines[k * stride + i] * weights[k];
            output[i] = (byte)Math.Clamp(sum + 0.5f, 0, 255);
        }
    }
}
