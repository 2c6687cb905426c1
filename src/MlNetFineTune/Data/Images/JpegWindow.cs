using SkiaSharp;

namespace MlNetFineTune.Data;

/// <summary>
/// Decodes only the required region of a JPEG: columns beside it and rows above it are entropy-decoded only, without inverse transform and
/// colour conversion, and rows below it are not decoded. libjpeg-turbo's <c>jpeg_crop_scanline</c> and <c>jpeg_skip_scanlines</c>, behind
/// Skia's decoding by scan lines.
/// </summary>
internal static class JpegWindow
{
    // The outermost columns and rows of a window lack the neighbours for libjpeg's chroma upsampling.
    private const int Margin = 8;

    /// <summary>
    /// Whether a region can be decoded separately. Not for a truncated file, because the damage would often not be noticed.
    /// </summary>
    public static bool IsPossible(SKCodec codec, ReadOnlySpan<byte> encoded) =>
        codec.EncodedFormat == SKEncodedImageFormat.Jpeg
            && encoded.LastIndexOf<byte>([0xFF, 0xD9]) > encoded.LastIndexOf<byte>([0xFF, 0xDA]);

    /// <summary>The window to decode so that <paramref name="needed"/> equals that of a full decoding.</summary>
    public static PixelWindow Around(PixelWindow needed, SKSizeI picture) => PixelWindow.Covering(
        needed.Left - Margin, needed.Top - Margin, needed.Right + Margin, needed.Bottom + Margin, picture.Width, picture.Height);

    /// <param name="codec">A codec that has not decoded yet.</param>
    /// <param name="info">Format of the whole picture at the size to decode.</param>
    /// <param name="window">The part to decode.</param>
    /// <param name="pixels">Receives the window, [height, width, 4] bytes.</param>
    /// <returns>False if the file is damaged; decoding the whole may still succeed.</returns>
    public static unsafe bool TryDecode(SKCodec codec, SKImageInfo info, PixelWindow window, Span<byte> pixels)
    {
        var options = new SKCodecOptions(SKRectI.Create(window.Left, 0, window.Width, info.Height));
        if (codec.StartScanlineDecode(info, options) != SKCodecResult.Success || (window.Top > 0 && !codec.SkipScanlines(window.Top)))
            return false;
        fixed (byte* target = pixels)
            return codec.GetScanlines((nint)target, window.Height, window.Width * info.BytesPerPixel) == window.Height;
    }
}
