using SkiaSharp;

namespace QuickStart;

/// <summary>
/// Inspection photos that need no download: four kinds of surface (clean, scratch, crack, stain) over many materials,
/// lights and cameras. A picture is a pure function of (seed, kind, index, size), so every machine sees the same data.
/// </summary>
/// <remarks>
/// A picture is rendered in steps: material, distractors, defect, then lighting and camera. Lengths in this folder are in 1/96 of the
/// picture's side.
/// </remarks>
public static class SurfaceImages
{
    private static readonly Action<Surface, Dice>[] Makers = [(_, _) => { }, Defects.Scratch, Defects.Crack, Defects.Stain];

    /// <summary>The class names, in the order of their indices.</summary>
    public static IReadOnlyList<string> Kinds { get; } = ["clean", "scratch", "crack", "stain"];

    /// <summary>Draws one picture (BGRA, 8 bits); the caller disposes it.</summary>
    /// <param name="seed">Seed of the data set.</param>
    /// <param name="kind">Index into <see cref="Kinds"/>.</param>
    /// <param name="index">Number of the picture of that kind.</param>
    /// <param name="size">Side in pixels.</param>
    public static SKBitmap Draw(int seed, int kind, int index, int size = 96)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(kind);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(kind, Makers.Length);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 16);

        var dice = new Dice(seed, kind, index);
        var surface = new Surface(size);
        Materials.Lay(surface, dice);
        Clutter.Scatter(surface, dice);
        Makers[kind](surface, dice);
        return Camera.Photograph(surface, dice);
    }

    /// <summary>Draws one picture of the named kind; the caller disposes it.</summary>
    public static SKBitmap Draw(int seed, string kind, int index, int size = 96) => Draw(seed, IndexOf(kind), index, size);

    /// <summary>Writes <c>path/kind/kind-0001.jpg</c> and so on: the folder-per-class tree that image loaders read.</summary>
    public static void WriteFolder(string path, int seed, int imagesPerKind, int size = 96)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(imagesPerKind);
        for (int kind = 0; kind < Kinds.Count; kind++)
        {
            string folder = Path.Combine(path, Kinds[kind]);
            Directory.CreateDirectory(folder);
            for (int index = 0; index < imagesPerKind; index++)
            {
                using SKBitmap picture = Draw(seed, kind, index, size);
                using FileStream file = File.Create(Path.Combine(folder, $"{Kinds[kind]}-{index + 1:0000}.jpg"));
                picture.Encode(file, SKEncodedImageFormat.Jpeg, quality: 90);
            }
        }
    }

    private static int IndexOf(string kind)
    {
        for (int i = 0; i < Kinds.Count; i++)
        {
            if (Kinds[i] == kind)
            {
                return i;
            }
        }

        throw new ArgumentException($"There is no kind of surface '{kind}': choose one of {string.Join(", ", Kinds)}.", nameof(kind));
    }
}
