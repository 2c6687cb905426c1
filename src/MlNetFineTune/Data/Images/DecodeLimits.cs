namespace MlNetFineTune.Data;

/// <summary>Limits checked before memory is allocated, against files whose header claims a huge picture.</summary>
internal static class DecodeLimits
{
    // Pillow's limit for a "decompression bomb" is about the same: 179 million pixels, here 716 MB.
    public const long MaximumPixels = 179_000_000;

    // The limit of JPEG; a longer side indicates a map or a malicious file.
    public const int MaximumSide = 65_535;

    // Deflate compresses to 1/1032 at best, so a byte of PNG encodes at most 8,256 pixels of 1 bit; a byte of GIF, JPEG and uncompressed
    // BMP encodes fewer. Only a single-coloured WebP or an empty run-length encoded BMP may encode more. Small pictures are exempt.
    private const long PixelsPerByte = 10_000;
    private const long PixelsAllowed = 1_000_000;

    /// <returns>Null, or the reason why a picture of this size is rejected.</returns>
    public static string? Refuse(int width, int height) =>
        width <= 0 || height <= 0 ? $"it claims {width} x {height} pixels, which is no picture"
        : (long)width * height > MaximumPixels ? $"it claims {width} x {height} pixels; more than {MaximumPixels:N0} are refused"
        : Math.Max(width, height) > MaximumSide ? $"it claims {width} x {height} pixels; a side of more than {MaximumSide:N0} is refused"
        : null;

    /// <returns>Null, or the reason why a file of <paramref name="bytes"/> bytes that claims this size is rejected.</returns>
    public static string? Refuse(int width, int height, int bytes) =>
        Refuse(width, height)
        ?? ((long)width * height > PixelsAllowed + PixelsPerByte * bytes
            ? $"it claims {width} x {height} pixels, which its {bytes:N0} bytes cannot hold"
            : null);
}
