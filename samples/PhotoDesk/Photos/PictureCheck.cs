using SkiaSharp;

namespace PhotoDesk;

/// <summary>Determines the type of a file from its bytes; names and declared types are not trusted.</summary>
internal static class PictureCheck
{
    /// <param name="content">Content of the file.</param>
    /// <param name="largestPixels">Largest accepted number of pixels.</param>
    /// <param name="mediaType">Media type of the picture.</param>
    /// <returns>An error message; null if the picture is valid.</returns>
    public static string? Check(byte[] content, int largestPixels, out string mediaType)
    {
        mediaType = "";
        if (content.Length == 0)
            return "The file is empty.";
        using var data = SKData.CreateCopy(content);
        using var codec = SKCodec.Create(data);
        if (codec is null || MediaTypeOf(codec.EncodedFormat) is not { } type)
            return "This is no picture that can be read. Send JPEG, PNG, GIF, BMP or WebP.";
        if ((long)codec.Info.Width * codec.Info.Height > largestPixels)
            return $"The picture has {codec.Info.Width} x {codec.Info.Height} pixels; "
                + $"more than {largestPixels / 1_000_000.0:0.#} million are refused.";
        mediaType = type;
        return null;
    }

    private static string? MediaTypeOf(SKEncodedImageFormat format) => format switch
    {
        SKEncodedImageFormat.Jpeg => "image/jpeg",
        SKEncodedImageFormat.Png => "image/png",
        SKEncodedImageFormat.Gif => "image/gif",
        SKEncodedImageFormat.Bmp => "image/bmp",
        SKEncodedImageFormat.Webp => "image/webp",
        _ => null,
    };
}
