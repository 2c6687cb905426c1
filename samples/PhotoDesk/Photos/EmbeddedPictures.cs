using QuickStart;
using SkiaSharp;

namespace PhotoDesk;

/// <summary>The pictures that every desk begins with: the quick start's drawings of surfaces.
/// Each training repeats them, so that what the first model knew is not forgotten.</summary>
internal static class EmbeddedPictures
{
    private const int Seed = 1;

    /// <summary>Draws them, all classes alike, in an order that is always the same.</summary>
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
