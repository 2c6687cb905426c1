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
    public static unsafe string? Of(Dataset inputs, int row)
    {
        if (inputs is not EncodedImages)
            return null;
        var rgb = new byte[inputs.Length];
        if (inputs.Encode(row, Augmentation.None, new CountedRandom(0, RandomStream.Augmentation, epoch: 0, row), rgb) is not null)
            return null;
        var size = (int)Math.Sqrt(rgb.Length / 3);
        using var full = new SKBitmap(new SKImageInfo(size, size, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var pixels = new Span<byte>((void*)full.GetPixels(), full.ByteCount);
        for (var i = 0; i < size * size; i++)
        {
            rgb.AsSpan(i * 3, 3).CopyTo(pixels[(i * 4)..]);
            pixels[i * 4 + 3] = 255;
        }
        var small = Math.Min(size, LargestSize);
        using var scaled = full.Resize(new SKSizeI(small, small), SKFilterQuality.Medium);
        using var encoded = scaled.Encode(SKEncodedImageFormat.Jpeg, Quality);
        return "data:image/jpeg;base64," + Convert.ToBase64String(encoded.AsSpan());
    }
}
