using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>Operations on neighbouring pixels: sharpness and blur.</summary>
internal static class NeighborFilters
{
    /// <summary>
    /// 0 gives the smoothed picture, 1 changes nothing, above 1 sharpens: Pillow's ImageEnhance.Sharpness, whose smoothing kernel weights
    /// the pixel 5 and each of its 8 neighbours 1, and leaves border pixels unchanged.
    /// </summary>
    public static void Sharpness(ref PixelCanvas canvas, in PixelOperation operation)
    {
        var pixels = canvas.Pixels;
        var (factor, stride) = ((float)operation.Value, canvas.Size.Width * 3);
        using var copy = new ScratchBuffer<byte>(pixels.Length);
        using var columns = new ScratchBuffer<int>(stride);
        pixels.CopyTo(copy.Span);
        for (var row = stride; row + stride < pixels.Length; row += stride)
        {
            var above = copy.Span.Slice(row - stride, stride);
            var here = copy.Span.Slice(row, stride);
            var below = copy.Span.Slice(row + stride, stride);
            var sums = columns.Span;
            for (var i = 0; i < stride; i++)
                sums[i] = above[i] + here[i] + below[i];
            var result = pixels.Slice(row, stride);
            for (var i = 3; i < stride - 3; i++)
            {
                // Division by 13, rounded; there are no ties.
                var smooth = (2 * (sums[i - 3] + sums[i] + sums[i + 3] + 4 * here[i]) + 13) / 26;
                result[i] = ColorTables.Truncate(smooth + factor * (here[i] - smooth));
            }
        }
    }

    /// <summary>
    /// Gaussian blur with a standard deviation in pixels and reflection at the border: torchvision's <c>gaussian_blur</c>.
    /// </summary>
    public static void GaussianBlur(ref PixelCanvas canvas, in PixelOperation operation)
    {
        var (width, height) = canvas.Size;
        var (sigma, half) = (operation.Value, ((GaussianBlur)operation.Owner!).KernelSize / 2);
        Span<float> kernel = stackalloc float[2 * half + 1];
        var total = 0.0;
        for (var k = -half; k <= half; k++)
            total += Math.Exp(-0.5 * (k / sigma) * (k / sigma));
        for (var k = -half; k <= half; k++)
            kernel[k + half] = (float)(Math.Exp(-0.5 * (k / sigma) * (k / sigma)) / total);

        var pixels = canvas.Pixels;
        var stride = width * 3;
        using var blurred = new ScratchBuffer<float>(pixels.Length);
        using var line = new ScratchBuffer<float>(stride + 6 * half);
        for (var row = 0; row < height; row++)
        {
            for (var x = -half; x < width + half; x++)
            {
                for (var c = 0; c < 3; c++)
                    line.Span[(x + half) * 3 + c] = pixels[row * stride + Mirrored(x, width) * 3 + c];
            }
            var result = blurred.Span.Slice(row * stride, stride);
            result.Clear();
            for (var k = 0; k < kernel.Length; k++)
                AddScaled(line.Span.Slice(k * 3, stride), kernel[k], result);
        }
        var sum = line.Span[..stride];
        for (var row = 0; row < height; row++)
        {
            sum.Clear();
            for (var k = -half; k <= half; k++)
                AddScaled(blurred.Span.Slice(Mirrored(row + k, height) * stride, stride), kernel[k + half], sum);
            for (var i = 0; i < stride; i++)
                pixels[row * stride + i] = (byte)Math.Clamp(MathF.Round(sum[i]), 0, 255);
        }
    }

    // Reflection without repeating the border pixel. A picture smaller than the kernel is mirrored more than once.
    private static int Mirrored(int at, int size)
    {
        if (size == 1)
            return 0;
        while ((uint)at >= (uint)size)
            at = at < 0 ? -at : 2 * size - 2 - at;
        return at;
    }

    private static void AddScaled(ReadOnlySpan<float> values, float weight, Span<float> sum)
    {
        var vectors = MemoryMarshal.Cast<float, Vector128<float>>(values);
        var sums = MemoryMarshal.Cast<float, Vector128<float>>(sum);
        for (var i = 0; i < sums.Length; i++)
            sums[i] += vectors[i] * weight;
        for (var i = sums.Length * Vector128<float>.Count; i < sum.Length; i++)
            sum[i] += values[i] * weight;
    }
}
