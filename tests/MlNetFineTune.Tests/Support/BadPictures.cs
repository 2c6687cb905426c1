using SkiaSharp;

namespace MlNetFineTune.Tests.Support;

/// <summary>Files that are no pictures, and the words by which the library calls each.</summary>
internal static class BadPictures
{
    private static readonly Lazy<(string Path, string Reason)[]> s_all = new(Make);

    public static IReadOnlyList<(string Path, string Reason)> All => s_all.Value;

    private static (string, string)[] Make()
    {
        var folder = SmallPictures.NewFolder();
        var (cut, text, empty) = (Path.Combine(folder, "cut.jpg"), Path.Combine(folder, "text.jpg"), Path.Combine(folder, "empty.png"));
        var (missing, place) = (Path.Combine(folder, "missing.jpg"), Path.Combine(folder, "folder.jpg"));
        File.WriteAllText(text, "This is no picture.");
        File.WriteAllText(empty, "");
        Directory.CreateDirectory(place);
        using var noise = new SKBitmap(64, 64);
        var random = new Random(1);
        for (var i = 0; i < 64 * 64; i++)
            noise.SetPixel(i % 64, i / 64, new SKColor((byte)random.Next(256), (byte)random.Next(256), (byte)random.Next(256)));
        using var jpeg = noise.Encode(SKEncodedImageFormat.Jpeg, 90);
        File.WriteAllBytes(cut, jpeg.ToArray().AsSpan(0, (int)jpeg.Size / 2));
        return
        [
            (missing, "there is no such file"),
            ("", "the path is empty"),
            (cut, "it is cut off"),
            (text, "it is not a picture in a known format"),
            (empty, "the file is empty"),
            (place, "it is a folder"),
        ];
    }
}
