using System.Runtime.InteropServices;
using Microsoft.ML.Data;
using SkiaSharp;

namespace PhotoDesk;

/// <summary>A photo with the heat of what spoke for the answer, as a JPEG.</summary>
internal static class ExplainedPhoto
{
    private const int Side = 1024;
    private const int Quality = 85;

    // A photo is held whole, and a gradient takes both cores.
    private static readonly SemaphoreSlim Turns = new(1);

    /// <returns>Null where the picture cannot be read.</returns>
    public static async Task<byte[]?> OfAsync(ServedModel served, byte[] photo, CancellationToken cancellation)
    {
        await Turns.WaitAsync(cancellation);
        try
        {
            using var image = await Task.Run(() => served.Explain(photo), cancellation);
            return image is null ? null : Encode(image);
        }
        finally
        {
            Turns.Release();
        }
    }

    private static byte[] Encode(MLImage image)
    {
        var scale = Math.Min(1, Side / (float)Math.Max(image.Width, image.Height));
        using var full = new SKBitmap(new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        Marshal.Copy(image.Pixels.ToArray(), 0, full.GetPixels(), full.ByteCount);
        using var small = full.Resize(
            new SKSizeI(Math.Max(1, (int)(image.Width * scale)), Math.Max(1, (int)(image.Height * scale))), SKFilterQuality.Medium);
        using var jpeg = small.Encode(SKEncodedImageFormat.Jpeg, Quality);
        return jpeg.ToArray();
    }
}
