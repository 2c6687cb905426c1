using MlNetFineTune.Primitives;
using SkiaSharp;

namespace MlNetFineTune.Data;

/// <summary>What is known of a picture before its pixels are decoded.</summary>
/// <param name="Size">Size of the upright picture.</param>
/// <param name="Orientation">EXIF orientation, 1 to 8; 1 if the picture is stored upright.</param>
internal readonly record struct PictureHeader(PixelSize Size, int Orientation = 1)
{
    /// <returns>Null if the picture is missing or its header cannot be read.</returns>
    public static PictureHeader? Of(in Picture picture)
    {
        if (picture.Head is { Problem: not null })
            return null;
        if (picture.Head.Pixels is { } form)
            return new PictureHeader(new PixelSize(form.Width, form.Height));
        if (picture.Head.Path is not { } path)
            return Of(picture.Bytes);
        if (PictureFile.Read(path, out var file) is not null)
            return null;
        using (file)
            return Of(file.Span);
    }

    private static unsafe PictureHeader? Of(ReadOnlySpan<byte> encoded)
    {
        fixed (byte* pointer = encoded)
        {
            using var data = SKData.Create((nint)pointer, encoded.Length);
            using var codec = SKCodec.Create(data);
            if (codec is null || !FileFormats.IsRead(codec.EncodedFormat))
                return null;
            var (orientation, size) = ImageEncoder.Upright(codec);
            return new PictureHeader(size, orientation);
        }
    }
}
