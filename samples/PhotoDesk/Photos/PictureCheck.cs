using SkiaSharp;

namespace PhotoDesk;

/// <summary>Says from the bytes alone what a file is. Names and declared types are the sender's word, and are not believed.</summary>
internal static class PictureCheck
{
    /// <param name="content">Of a file.</param>
    /// <param name="largestPixels">More are refused.</param>
    /// <param name="mediaType">Of the picture.</param>
    /// <returns>What is wrong; null where nothing is.</returns>
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
