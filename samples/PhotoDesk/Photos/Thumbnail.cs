using SkiaSharp;

namespace PhotoDesk;

/// <summary>A small upright JPEG of a picture, created at the upload.</summary>
internal static class Thumbnail
{
    private const int Side = 256;
    private const int Quality = 80;

    // Limits memory: a PNG is decoded at full size.
    private static readonly SemaphoreSlim Turns = new(Math.Max(1, Environment.ProcessorCount / 2));

    /// <param name="content">Content of a validated picture.</param>
    /// <param name="cancellation">Cancels waiting.</param>
    /// <returns>Null if the pixels cannot be read.</returns>
    public static async Task<byte[]?> OfAsync(byte[] content, CancellationToken cancellation)
    {
        await Turns.WaitAsync(cancellation);
        try
        {
            return Of(content);
        }
        finally
        {
            Turns.Release();
        }
    }

    private static byte[]? Of(byte[] content)
    {
        using var data = SKData.CreateCopy(content);
        using var codec = SKCodec.Create(data);
        if (codec is null)
            return null;
        var scale = Math.Min(1, Side / (float)Math.Max(codec.Info.Width, codec.Info.Height));
        // JPEG can be decoded at a fraction of its size; other formats return their full size.
        var size = codec.GetScaledDimensions(scale);
        using var decoded = new SKBitmap(new SKImageInfo(size.Width, size.Height, SKColorType.Bgra8888, SKAlphaType.Premul));
        return codec.GetPixels(decoded.Info, decoded.GetPixels()) is SKCodecResult.Success or SKCodecResult.IncompleteInput
            ? Encode(decoded, codec.EncodedOrigin)
            : null;
    }

    private static byte[] Encode(SKBitmap picture, SKEncodedOrigin origin)
    {
        var scale = Math.Min(1, Side / (float)Math.Max(picture.Width, picture.Height));
        var (width, height) = (Math.Max(1, (int)(picture.Width * scale)), Math.Max(1, (int)(picture.Height * scale)));
        var turned = origin is SKEncodedOrigin.LeftTop or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom
            or SKEncodedOrigin.LeftBottom;
        using var surface = SKSurface.Create(
            new SKImageInfo(turned ? height : width, turned ? width : height, SKColorType.Bgra8888, SKAlphaType.Opaque));
        surface.Canvas.Clear(SKColors.White); // background of transparent pictures
        surface.Canvas.SetMatrix(Upright(origin, width, height));
        using var paint = new SKPaint { FilterQuality = SKFilterQuality.Medium };
        surface.Canvas.DrawBitmap(picture, new SKRect(0, 0, width, height), paint);
        using var image = surface.Snapshot();
        using var jpeg = image.Encode(SKEncodedImageFormat.Jpeg, Quality);
        return jpeg.ToArray();
    }

    // EXIF 2.3, tag Orientation: position of the first row and column of the stored picture (w x h).
    private static SKMatrix Upright(SKEncodedOrigin origin, float w, float h) => origin switch
    {
        SKEncodedOrigin.TopRight => new SKMatrix(-1, 0, w, 0, 1, 0, 0, 0, 1),
        SKEncodedOrigin.BottomRight => new SKMatrix(-1, 0, w, 0, -1, h, 0, 0, 1),
        SKEncodedOrigin.BottomLeft => new SKMatrix(1, 0, 0, 0, -1, h, 0, 0, 1),
        SKEncodedOrigin.LeftTop => new SKMatrix(0, 1, 0, 1, 0, 0, 0, 0, 1),
        SKEncodedOrigin.RightTop => new SKMatrix(0, -1, h, 1, 0, 0, 0, 0, 1),
        SKEncodedOrigin.RightBottom => new SKMatrix(0, -1, h, -1, 0, w, 0, 0, 1),
        SKEncodedOrigin.LeftBottom => new SKMatrix(0, 1, 0, -1, 0, w, 0, 0, 1),
        _ => SKMatrix.Identity,
    };
}
