using System.Buffers;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using MlNetFineTune.Augmentations;

namespace MlNetFineTune.Images;

/// <summary>
/// Fills a square RGB picture from a region of a source in one pass over its pixels: cropping, resizing, mirroring and turning upright together.
/// Antialiased and separable as in Pillow; but a crop's edge reads the real pixels beyond it, where torchvision, which crops first, repeats
/// its own edge.
/// </summary>
internal static class Resampler
{
    private const int Channels = 4;

    /// <param name="source">Decoded pixels.</param>
    /// <param name="plan">Region in upright coordinates of <paramref name="source"/>'s own size.</param>
    /// <param name="size">Side of the output.</param>
    /// <param name="interpolation">The filter.</param>
    /// <param name="output">[size, size, 3] bytes, red first.</param>
    public static void Resample(PixelSource source, in ImagePlan plan, int size, Interpolation interpolation, Span<byte> output)
    {
        // The region in stored coordinates, where columns are "across" and rows are "down".
        var (across, acrossLength, down, downLength) = source.IsTransposed
            ? (plan.Y, plan.Height, plan.X, plan.Width)
            : (plan.X, plan.Width, plan.Y, plan.Height);
        if (source.ReversesColumns)
            across = source.Width - across - acrossLength;
        if (source.ReversesRows)
            down = source.Height - down - downLength;

        var columns = new ResamplingKernel(across, acrossLength, source.Width, size, interpolation);
        var rows = new ResamplingKernel(down, downLength, source.Height, size, interpolation);
        var firstRow = rows.First.Min();
        var endRow = 0;
        for (var o = 0; o < size; o++)
            endRow = Math.Max(endRow, rows.First[o] + rows.Count[o]);

        var stride = size * Channels;
        var shrunk = ArrayPool<float>.Shared.Rent((endRow - firstRow) * stride);
        var line = ArrayPool<float>.Shared.Rent(Math.Max(source.Width * Channels, stride));
        try
        {
            for (var y = firstRow; y < endRow; y++)
            {
                var bytes = source.Pixels.Slice(y * source.Width * Channels, source.Width * Channels);
                ToSingle(bytes, line);
                ShrinkRow(line, columns, shrunk.AsSpan((y - firstRow) * stride, stride));
            }

            var reversesColumns = source.ReversesColumns;
            var reversesRows = source.ReversesRows;
            if (plan.Mirrored)
            {
                if (source.IsTransposed)
                    reversesRows = !reversesRows;
                else
                    reversesColumns = !reversesColumns;
            }
            for (var v = 0; v < size; v++)
            {
                ShrinkColumn(shrunk, rows, v, firstRow, stride, line);
                var b = reversesRows ? size - 1 - v : v;
                // Stored (u, v) goes to upright (a, b), with the axes exchanged where transposed.
                var (offset, step) = source.IsTransposed ? (b * 3, size * 3) : (b * size * 3, 3);
                if (reversesColumns)
                    (offset, step) = (offset + (size - 1) * step, -step);
                WriteLine(line, size, source.BlueFirst, output, offset, step);
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(shrunk);
            ArrayPool<float>.Shared.Return(line);
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
    private static void ShrinkRow(ReadOnlySpan<float> line, in ResamplingKernel kernel, Span<float> output)
    {
        var pixels = MemoryMarshal.Cast<float, Vector128<float>>(line);
        var result = MemoryMarshal.Cast<float, Vector128<float>>(output);
        for (var o = 0; o < result.Length; o++)
        {
            var weights = kernel.Weights.AsSpan(o * kernel.Taps, kernel.Count[o]);
            var window = pixels.Slice(kernel.First[o], weights.Length);
            var sum = Vector128<float>.Zero;
            for (var k = 0; k < weights.Length; k++)
                sum += window[k] * weights[k];
            result[o] = sum;
        }
    }

    private static void ShrinkColumn(ReadOnlySpan<float> shrunk, in ResamplingKernel kernel, int o, int firstRow, int stride, Span<float> output)
    {
        var weights = kernel.Weights.AsSpan(o * kernel.Taps, kernel.Count[o]);
        var rows = shrunk.Slice((kernel.First[o] - firstRow) * stride, weights.Length * stride);
        var result = MemoryMarshal.Cast<float, Vector128<float>>(output[..stride]);
        var vectors = MemoryMarshal.Cast<float, Vector128<float>>(rows);
        var width = stride / Vector128<float>.Count;
        for (var i = 0; i < result.Length; i++)
        {
            var sum = Vector128<float>.Zero;
            for (var k = 0; k < weights.Length; k++)
                sum += vectors[k * width + i] * weights[k];
            result[i] = Vector128.Clamp(sum + Vector128.Create(0.5f), Vector128<float>.Zero, Vector128.Create(255f));
        }
    }

    private static void WriteLine(ReadOnlySpan<float> line, int size, bool blueFirst, Span<byte> output, int offset, int step)
    {
        var (red, blue) = blueFirst ? (2, 0) : (0, 2);
        for (var x = 0; x < size; x++, offset += step)
        {
            var pixel = line.Slice(x * Channels, Channels);
            output[offset + 2] = (byte)pixel[blue];
            output[offset + 1] = (byte)pixel[1];
            output[offset] = (byte)pixel[red];
        }
    }
}
