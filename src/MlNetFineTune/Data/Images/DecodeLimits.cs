namespace MlNetFineTune.Data;

/// <summary>What is refused before memory is taken for it: a header costs its author nothing.</summary>
internal static class DecodeLimits
{
    // Pillow's limit for a "decompression bomb" is about the same: 179 million pixels, here 716 MB.
    public const long MaximumPixels = 179_000_000;

    // JPEG's own limit; a longer side belongs to a map or a malicious file.
    public const int MaximumSide = 65_535;

    // Deflate shrinks to 1/1032 at best, so a byte of PNG holds at most 8,256 pixels, of one bit each; of GIF, JPEG and plain BMP it holds
    // fewer. Only a single-coloured WebP or an empty BMP in runs may hold more. Below the allowance it does not matter.
    private const long PixelsPerByte = 10_000;
    private const long PixelsAllowed = 1_000_000;

    /// <returns>Null, or why a picture of such a size is refused.</returns>
    public static string? Refuse(int width, int height) =>
        width <= 0 || height <= 0 ? $"it claims {width} x {height} pixels, which is no picture"
        : (long)width * height > MaximumPixels ? $"it claims {width} x {height} pixels; more than {MaximumPixels:N0} are refused"
        : Math.Max(width, height) > MaximumSide ? $"it claims {width} x {height} pixels; a side of more than {MaximumSide:N0} is refused"
        : null;

    /// <returns>Null, or why a file of <paramref name="bytes"/> bytes that claims such a size is refused.</returns>
    public static string? Refuse(int width, int height, int bytes) =>
        Refuse(width, height)
        ?? ((long)width * height > PixelsAllowed + PixelsPerByte * bytes
            ? $"it claims {width} x {height} pixels, which its {bytes:N0} bytes cannot hold"
            : null);
}
