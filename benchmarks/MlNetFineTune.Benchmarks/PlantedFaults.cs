using SkiaSharp;

namespace MlNetFineTune.Benchmarks;

/// <summary>A labelled photo of a data set, with the faults that were planted in it.</summary>
internal sealed class PlantedPhoto
{
    public string ImagePath { get; set; } = "";

    public string Label { get; set; } = "";

    /// <summary>The label before it was changed; equal to it for most photos.</summary>
    public string TrueLabel { get; set; } = "";

    /// <summary>Path of the photo of which this one is a copy; empty for most photos.</summary>
    public string CopyOf { get; set; } = "";
}

/// <summary>Plants faults in a data set of photos, to count how many are found: wrong labels, copies, blurred photos.</summary>
internal static class PlantedFaults
{
    /// <summary>Changes the label of a fraction of the photos to a random other class.</summary>
    public static void FlipLabels(IReadOnlyList<PlantedPhoto> photos, double fraction, Random random)
    {
        string[] classes = [.. photos.Select(photo => photo.TrueLabel).Distinct().Order(StringComparer.Ordinal)];
        var order = Enumerable.Range(0, photos.Count).ToArray();
        random.Shuffle(order);
        foreach (var place in order.Take((int)Math.Round(fraction * photos.Count)))
        {
            string[] others = [.. classes.Where(name => name != photos[place].TrueLabel)];
            photos[place].Label = others[random.Next(others.Length)];
        }
    }

    /// <summary>
    /// Writes copies of random photos: in turn of lower JPEG quality (40 to 80), smaller (0.4 to 0.8 of the sides), cropped (up to 5 % of
    /// each side), and all of these.
    /// </summary>
    public static List<PlantedPhoto> Copies(IReadOnlyList<PlantedPhoto> photos, int count, string folder, Random random)
    {
        var order = Enumerable.Range(0, photos.Count).ToArray();
        random.Shuffle(order);
        return [.. order.Take(count).Select((place, copy) => new PlantedPhoto
        {
            ImagePath = Copy(photos[place].ImagePath, Path.Combine(folder, $"copy{copy}.jpg"), copy % 4, random),
            Label = photos[place].Label,
            TrueLabel = photos[place].TrueLabel,
            CopyOf = photos[place].ImagePath,
        })];
    }

    /// <summary>Writes a photo blurred by a Gaussian, whose standard deviation is given in 256ths of the shorter side.</summary>
    public static void WriteBlurred(string photo, string path, float deviation)
    {
        using var full = SKBitmap.Decode(photo);
        var sigma = deviation * Math.Min(full.Width, full.Height) / 256;
        using var surface = SKSurface.Create(new SKImageInfo(full.Width, full.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using var filter = SKImageFilter.CreateBlur(sigma, sigma, SKShaderTileMode.Clamp);
        using var paint = new SKPaint { ImageFilter = filter };
        surface.Canvas.DrawBitmap(full, 0, 0, paint);
        using var image = surface.Snapshot();
        using var encoded = image.Encode(SKEncodedImageFormat.Jpeg, 90);
        File.WriteAllBytes(path, encoded.ToArray());
    }

    private static string Copy(string photo, string path, int kind, Random random)
    {
        var (quality, scale, crop) = (90, 1.0, 0.0);
        if (kind is 0 or 3)
            quality = random.Next(40, 80);
        if (kind is 1 or 3)
            scale = 0.4 + 0.4 * random.NextDouble();
        if (kind is 2 or 3)
            crop = 0.05;
        using var full = SKBitmap.Decode(photo);
        var (left, top) = ((int)(crop * random.NextDouble() * full.Width), (int)(crop * random.NextDouble() * full.Height));
        var (right, bottom) = ((int)(crop * random.NextDouble() * full.Width), (int)(crop * random.NextDouble() * full.Height));
        using var cut = new SKBitmap();
        full.ExtractSubset(cut, new SKRectI(left, top, full.Width - right, full.Height - bottom));
        using var scaled = cut.Resize(
            new SKSizeI(Math.Max(8, (int)(cut.Width * scale)), Math.Max(8, (int)(cut.Height * scale))), SKFilterQuality.High);
        using var encoded = scaled.Encode(SKEncodedImageFormat.Jpeg, quality);
        File.WriteAllBytes(path, encoded.ToArray());
        return path;
    }
}
