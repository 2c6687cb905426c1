using QuickStart;
using SkiaSharp;

namespace PhotoDesk;

/// <summary>
/// The initial pictures of every desk: generated surfaces of the quick start. Each training includes them against catastrophic forgetting.
/// </summary>
internal static class EmbeddedPictures
{
    private const int Seed = 1;

    /// <summary>Generates the pictures, the same number for each class, in a fixed order.</summary>
    public static IReadOnlyList<(string Label, string Name, byte[] Content)> Draw(int perClass) =>
        [.. Enumerable.Range(0, SurfaceImages.Kinds.Count * perClass).AsParallel().AsOrdered()
            .Select(i => Draw(SurfaceImages.Kinds[i / perClass], i % perClass))];

    private static (string Label, string Name, byte[] Content) Draw(string kind, int index)
    {
        using var picture = SurfaceImages.Draw(Seed, kind, index);
        using var jpeg = picture.Encode(SKEncodedImageFormat.Jpeg, quality: 90);
        return (kind, $"{kind}-{index + 1:0000}.jpg", jpeg.ToArray());
    }
}
