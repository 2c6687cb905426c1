using SkiaSharp;

namespace MlNetFineTune.Data;

/// <summary>Upper bound of the memory for decoding and resizing a picture.</summary>
internal static class DecodeCost
{
    private const int Target = 4; // bytes a pixel, red, green, blue and alpha

    /// <param name="codec">The opened picture.</param>
    /// <param name="encoded">Content of the file.</param>
    /// <param name="full">Size of the picture in pixels.</param>
    /// <param name="stored">Size at which it is decoded, in pixels.</param>
    /// <param name="size">Side of the output.</param>
    /// <returns>The bound in bytes.</returns>
    public static long Of(SKCodec codec, ReadOnlySpan<byte> encoded, SKSizeI full, SKSizeI stored, int size)
    {
        var decoder = codec.EncodedFormat switch
        {
            SKEncodedImageFormat.Jpeg => JpegCoefficients(encoded),
            // Skia keeps an interlaced picture in PNG's own format, up to 16 bits in each of 4 channels, until the last pass
            SKEncodedImageFormat.Png => IsInterlaced(encoded) ? 8 : 0,
            SKEncodedImageFormat.Bmp => 0,
            _ => 4, // copy in libwebp and Wuffs
        };
        var shrunk = 4L * sizeof(float) * size * stored.Height; // Resampler: every row at the output's width
        return (long)Target * stored.Width * stored.Height + (long)decoder * full.Width * full.Height + shrunk;
    }

    private static bool IsInterlaced(ReadOnlySpan<byte> png) => png.Length > 28 && png[28] != 0; // IHDR's last byte

    // Bytes per pixel, at most: libjpeg stores all coefficients, 2 bytes each, if the colours are not interleaved or the picture is
    // progressive (jdmaster.c, use_c_buffer); otherwise a few lines.
    private static int JpegCoefficients(ReadOnlySpan<byte> jpeg)
    {
        var components = 4;
        for (var at = 2; at + 9 < jpeg.Length && jpeg[at] == 0xFF;)
        {
            var marker = jpeg[at + 1];
            if (marker == 0xFF)
            {
                at++; // padding
                continue;
            }
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
            {
                components = Math.Min(jpeg[at + 9], (byte)4);
                if (marker is not (0xC0 or 0xC1 or 0xC9))
                    return 2 * components; // progressive
            }
            else if (marker == 0xDA)
            {
                return jpeg[at + 4] < components ? 2 * components : 0;
            }
            at += 2 + ((jpeg[at + 2] << 8) | jpeg[at + 3]);
        }
        return 2 * components; // unknown: assume the worst
    }
}
