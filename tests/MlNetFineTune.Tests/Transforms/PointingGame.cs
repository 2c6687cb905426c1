using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Transforms;

/// <summary>
/// The pointing game (Zhang et al. 2016, https://arxiv.org/abs/1608.00507, section 4.1): a map hits where its greatest value lies on the
/// evidence. A value stands for a cell of the picture; it is on the evidence where the cell's middle is, or is beside it by half a cell at
/// most.
/// </summary>
internal static class PointingGame
{
    /// <returns>The share of maps that hit, and the share that would if each pointed at any of its cells alike.</returns>
    public static (double Hits, double Chance) Play(
        IReadOnlyList<EvidencePhoto> photos, IReadOnlyList<float[]> maps, int height, int width)
    {
        Assert.HasCount(photos.Count, maps);
        var hits = photos.Zip(maps).Count(pair => IsHit(pair.First, IndexOfMax(pair.Second), height, width));
        var chance = photos.Average(
            photo => Enumerable.Range(0, height * width).Count(cell => IsHit(photo, cell, height, width)) / (double)(height * width));
        return (hits / (double)photos.Count, chance);
    }

    private static bool IsHit(EvidencePhoto photo, int cell, int height, int width)
    {
        var (across, down) = (EvidencePictures.Side / (double)width, EvidencePictures.Side / (double)height);
        var (x, y) = ((cell % width + 0.5) * across, (cell / width + 0.5) * down);
        var distance = Math.Sqrt(Math.Pow(x - photo.X, 2) + Math.Pow(y - photo.Y, 2));
        return distance <= photo.Radius + Math.Max(across, down) / 2;
    }

    private static int IndexOfMax(float[] map)
    {
        Assert.IsTrue(map.All(float.IsFinite));
        return Array.IndexOf(map, map.Max());
    }
}
