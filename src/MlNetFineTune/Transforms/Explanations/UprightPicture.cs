using MlNetFineTune.Data;
using MlNetFineTune.Primitives;
using SkiaSharp;

namespace MlNetFineTune.Transforms;

/// <summary>A picture in its own size, with its EXIF orientation applied.</summary>
/// <param name="Pixels">[height, width, 4] bytes, red first, opaque: the network ignores transparency.</param>
/// <param name="Width">Width in pixels.</param>
/// <param name="Height">Height in pixels.</param>
internal sealed record UprightPicture(byte[] Pixels, int Width, int Height)
{
    /// <returns>Null if it cannot be read.</returns>
    public static UprightPicture? Of(Picture picture) => picture.Head switch
    {
        { Problem: not null } or { IsMissing: true } => null,
        { Path: { } path } => OfFile(path),
        { Pixels: { } form } => OfPixels(form, picture.Bytes),
        _ => OfBytes(picture.Bytes),
    };

    private static UprightPicture? OfFile(string path)
    {
        try
        {
            return OrdinaryFile.Refuse(path) is null ? OfBytes(File.ReadAllBytes(path)) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            return null;
        }
    }

    private static UprightPicture? OfPixels(PixelForm form, ReadOnlySpan<byte> bytes)
    {
        if (DecodeLimits.Refuse(form.Width, form.Height) is not null)
            return null;
        return Upright(new PixelSource(bytes, form.Width, form.Height, form.BlueFirst));
    }

    private static unsafe UprightPicture? OfBytes(ReadOnlySpan<byte> encoded)
    {
        fixed (byte* pointer = encoded)
        {
            using var data = SKData.Create((nint)pointer, encoded.Length);
            using var codec = SKCodec.Create(data);
            if (codec is null || !FileFormats.IsRead(codec.EncodedFormat)
                || DecodeLimits.Refuse(codec.Info.Width, codec.Info.Height, encoded.Length) is not null)
            {
                return null;
            }
            var full = codec.Info.Size;
            using var share = ByteBudget.Pixels.Take(DecodeCost.Of(codec, encoded, full, full, size: 0));
            var info = new SKImageInfo(full.Width, full.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
            using var pixels = new ScratchBuffer<byte>(info.BytesSize);
            fixed (byte* target = pixels.Span)
            {
                if (codec.GetPixels(info, (nint)target, info.RowBytes, SKCodecOptions.Default) != SKCodecResult.Success)
                    return null;
            }
            var orientation = (int)codec.EncodedOrigin is >= 1 and <= 8 and var origin ? origin : 1;
            return Upright(new PixelSource(pixels.Span, full.Width, full.Height, blueFirst: false, orientation));
        }
    }

    private static UprightPicture Upright(PixelSource source)
    {
        var (width, height) = source.IsTransposed ? (source.Height, source.Width) : (source.Width, source.Height);
        var pixels = GC.AllocateUninitializedArray<byte>(width * height * 4);
        var (red, blue) = source.BlueFirst ? (2, 0) : (0, 2);
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var (column, row) = source.IsTransposed ? (y, x) : (x, y);
                column = source.ReversesColumns ? source.Width - 1 - column : column;
                row = source.ReversesRows ? source.Height - 1 - row : row;
                var (from, to) = ((row * source.Width + column) * 4, (y * width + x) * 4);
                pixels[to] = source.Pixels[from + red];
                pixels[to + 1] = source.Pixels[from + 1];
                pixels[to + 2] = source.Pixels[from + blue];
                pixels[to + 3] = byte.MaxValue;
            }
        }
        return new UprightPicture(pixels, width, height);
    }
}
