using MlNetFineTune.Data;
using MlNetFineTune.Primitives;
using SkiaSharp;

namespace MlNetFineTune.Reporting;

/// <summary>A small JPEG of a picture, cropped as the network's input, as a data URI.</summary>
internal static class Thumbnail
{
    private const int LargestSize = 128;
    private const int Quality = 80;

    /// <returns>Null if rows are not pictures or the file can no longer be read.</returns>
    public static string? Of(Dataset inputs, int row)
    {
        if (PixelsOf(inputs, row) is not { } rgb)
            return null;
        var size = (int)Math.Sqrt(rgb.Length / 3);
        var rgba = new byte[size * size * 4];
        for (var i = 0; i < size * size; i++)
        {
            rgb.AsSpan(i * 3, 3).CopyTo(rgba.AsSpan(i * 4));
            rgba[i * 4 + 3] = 255;
        }
        return Encode(rgba, size);
    }

    /// <summary>The network's input for a row, as pixels: [size, size, 3].</summary>
    /// <returns>Null if rows are not pictures or the file can no longer be read.</returns>
    public static byte[]? PixelsOf(Dataset inputs, int row)
    {
        if (inputs is not EncodedImages)
            return null;
        var rgb = new byte[inputs.Length];
        var random = new CountedRandom(0, RandomStream.Augmentation, epoch: 0, row);
        return inputs.Encode(row, Augmentation.None, random, rgb) is null ? rgb : null;
    }

    /// <summary>The data URI of a square of pixels: [size, size, 4], red first.</summary>
    public static unsafe string Encode(ReadOnlySpan<byte> rgba, int size)
    {
        using var full = new SKBitmap(new SKImageInfo(size, size, SKColorType.Rgba8888, SKAlphaType.Opaque));
        rgba.CopyTo(new Span<byte>((void*)full.GetPixels(), full.ByteCount));
        var small = Math.Min(size, LargestSize);
        using var scaled = full.Resize(new SKSizeI(small, small), SKFilterQuality.Medium);
        using var encoded = scaled.Encode(SKEncodedImageFormat.Jpeg, Quality);
        return "data:image/jpeg;base64," + Convert.ToBase64String(encoded.AsSpan());
    }
}
