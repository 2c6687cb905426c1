using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using SkiaSharp;

namespace MlNetFineTune.Data;

/// <summary>Decodes upright pictures at their original size.</summary>
internal static class WholePicture
{
    /// <summary>
    /// The preprocessing for outputs of the picture's own size, of which only interpolation and mean (the fill colour) are used.
    /// </summary>
    public static ImagePreprocessing Preprocessing { get; } = new() { CropFraction = 1 };

    /// <param name="path">Path of a JPEG, PNG, GIF (first frame), BMP or WebP file.</param>
    /// <param name="size">Size of the picture; 0 if a reason is returned.</param>
    /// <param name="pixels">[height, width, 3] bytes, red first.</param>
    /// <returns>The reason why the file cannot be used; null if it can.</returns>
    public static string? DecodeFile(string path, out PixelSize size, out byte[] pixels)
    {
        (size, pixels) = (default, []);
        if (PictureFile.Read(path, out var file) is { } refusal)
            return refusal;
        using (file)
            return Decode(file.Span, out size, out pixels);
    }

    /// <inheritdoc cref="DecodeFile"/>
    public static unsafe string? Decode(ReadOnlySpan<byte> encoded, out PixelSize size, out byte[] pixels)
    {
        (size, pixels) = (default, []);
        fixed (byte* pointer = encoded)
        {
            using var data = SKData.Create((nint)pointer, encoded.Length);
            using var codec = SKCodec.Create(data);
            if (codec is null || !FileFormats.IsRead(codec.EncodedFormat))
                return FileFormats.Explain(encoded);
            var full = codec.Info.Size;
            if (DecodeLimits.Refuse(full.Width, full.Height, encoded.Length) is { } refusal)
                return refusal;
            (var orientation, size) = ImageEncoder.Upright(codec);
            using var share = ByteBudget.Pixels.Take(DecodeCost.Of(codec, encoded, full, full, size: 0));
            pixels = GC.AllocateUninitializedArray<byte>(size.Width * size.Height * 3);
            var info = new SKImageInfo(full.Width, full.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
            return ImageEncoder.DrawWhole(codec, info, orientation, ImagePlan.AtOwnSize(size, Preprocessing), pixels);
        }
    }
}
