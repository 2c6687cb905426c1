using Microsoft.ML;

namespace Pretrain;

/// <summary>Training and test photos of one seed.</summary>
internal static class SplitPhotos
{
    /// <summary>Draws surfaces as the quick start does: the same numbers of photos, the same seeds.</summary>
    public static (IReadOnlyList<Photo> Train, IReadOnlyList<Photo> Test) Surfaces(string folder, int seed)
    {
        string train = Path.Combine(folder, "train"), test = Path.Combine(folder, "test");
        SurfaceImages.WriteFolder(train, seed, imagesPerKind: 150);
        SurfaceImages.WriteFolder(test, ~seed, imagesPerKind: 50);
        return (Read(train), Read(test));
    }

    /// <summary>Half of each class is for training, the other half for testing.</summary>
    public static (IReadOnlyList<Photo> Train, IReadOnlyList<Photo> Test) Halves(string folder, int seed)
    {
        List<Photo> train = [], test = [];
        foreach (var photos in Read(folder).GroupBy(photo => photo.Label))
        {
            var dice = new Dice(seed);
            var shuffled = photos.OrderBy(_ => dice.Next()).ToList();
            train.AddRange(shuffled.Take(shuffled.Count / 2));
            test.AddRange(shuffled.Skip(shuffled.Count / 2));
        }
        return (train, test);
    }

    private static List<Photo> Read(string folder)
    {
        var ml = new MLContext();
        return [.. ml.Data.CreateEnumerable<Photo>(ml.Data.LoadImageFolder(folder), reuseRowObject: false)];
    }
}

/// <summary>One row of an image folder.</summary>
internal sealed class Photo
{
    public string Label { get; set; } = "";

    public string ImagePath { get; set; } = "";
}
