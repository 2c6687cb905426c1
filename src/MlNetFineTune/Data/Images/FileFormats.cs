using SkiaSharp;

namespace MlNetFineTune.Data;

/// <summary>The supported file formats, and the names of unsupported ones by their first bytes.</summary>
internal static class FileFormats
{
    private const int TagWithin = 512; // bytes that may come before the tag: a prologue, comments

    /// <summary>Skia decodes more formats, but recognises any two zero bytes as a WBMP.</summary>
    public static bool IsRead(SKEncodedImageFormat format) =>
        format is SKEncodedImageFormat.Jpeg or SKEncodedImageFormat.Png or SKEncodedImageFormat.Gif or SKEncodedImageFormat.Bmp
            or SKEncodedImageFormat.Webp;

    /// <summary>The reason why no picture can be read from a file whose header Skia does not recognise.</summary>
    public static string Explain(ReadOnlySpan<byte> file) =>
        Readable(file) is { } known ? $"it is a damaged {known}: its header cannot be read"
        : Other(file) is var (name, advice) ? $"it is {name}; {advice}"
        : "it is not a picture in a known format (JPEG, PNG, GIF, BMP, WebP)";

    private static string? Readable(ReadOnlySpan<byte> file) =>
        Has(file, 1, "PNG\r\n"u8) ? "PNG"
        : Has(file, 0, [0xFF, 0xD8, 0xFF]) ? "JPEG"
        : Has(file, 0, "GIF8"u8) ? "GIF"
        : Has(file, 8, "WEBP"u8) ? "WebP"
        : Has(file, 0, "BM"u8) && Has(file, 6, [0, 0, 0, 0]) ? "BMP"
        : null;

    private static (string Name, string Advice)? Other(ReadOnlySpan<byte> file) =>
        Convertible(file) is { } picture ? (picture, "convert it to JPEG or PNG")
        : Has(file, 4, "ftyp"u8) ? ("a video (MP4)", "take pictures from it")
        : Has(file, 0, "PK\u0003\u0004"u8) ? ("a ZIP archive", "unpack it")
        : Has(file, 0, "version https://git-lfs"u8) ? ("a Git LFS pointer", "fetch the picture itself with 'git lfs pull'")
        : Begins(file, "<!DOCTYPE html"u8) || Begins(file, "<html"u8) ? ("a web page", "it was downloaded instead of the picture")
        : null;

    private static string? Convertible(ReadOnlySpan<byte> file) =>
        Has(file, 0, "II*\0"u8) || Has(file, 0, "MM\0*"u8) || Has(file, 0, "II+\0"u8) || Has(file, 0, "MM\0+"u8) ? "a TIFF"
        : Has(file, 4, "ftypavi"u8) ? "an AVIF"
        : Has(file, 4, "ftyphe"u8) || Has(file, 4, "ftypmif1"u8) || Has(file, 4, "ftypmsf1"u8) ? "a HEIC"
        : Has(file, 4, "ftypcrx"u8) ? "a camera's raw file (CR3)"
        : Has(file, 0, [0xFF, 0x0A]) || Has(file, 4, "JXL \r\n"u8) ? "a JPEG XL"
        : Has(file, 4, "jP  \r\n"u8) || Has(file, 0, [0xFF, 0x4F, 0xFF, 0x51]) ? "a JPEG 2000"
        : Begins(file, "<svg"u8) ? "an SVG"
        : Has(file, 0, "%PDF"u8) ? "a PDF"
        : Has(file, 0, "8BPS"u8) ? "a Photoshop file"
        : Has(file, 0, [0, 0, 1, 0]) ? "an icon (ICO)"
        : Has(file, 128, "DICM"u8) ? "a DICOM"
        : Has(file, 0, [0x76, 0x2F, 0x31, 0x01]) ? "an OpenEXR"
        : Has(file, 0, "P5"u8) || Has(file, 0, "P6"u8) ? "a PGM or PPM"
        : null;

    private static bool Has(ReadOnlySpan<byte> file, int offset, ReadOnlySpan<byte> bytes) =>
        file.Length >= offset + bytes.Length && file[offset..].StartsWith(bytes);

    // Whether text has a tag near its beginning, in upper or lower case.
    private static bool Begins(ReadOnlySpan<byte> file, ReadOnlySpan<byte> tag)
    {
        var start = file[..Math.Min(file.Length, TagWithin)];
        if (start.Contains((byte)0))
            return false;
        for (var at = start.IndexOf((byte)'<'); at >= 0 && at + tag.Length <= file.Length;
            at = start[(at + 1)..].IndexOf((byte)'<') is >= 0 and var next ? at + 1 + next : -1)
        {
            if (System.Text.Ascii.EqualsIgnoreCase(file.Slice(at, tag.Length), tag))
                return true;
        }
        return false;
    }
}
