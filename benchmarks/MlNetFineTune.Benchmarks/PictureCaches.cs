using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using SkiaSharp;

namespace MlNetFineTune.Benchmarks;

internal sealed class PictureCaches : Benchmark
{
    private const int Quality = 90; // FFCV's for ImageNet

    public override string Name => "picture-cache";

    public override string Question =>
        "Photos (ants-bees) cropped and flipped at random to normalised 224 px tensors, 2 workers: "
        + "an epoch after the first with PictureCache.InFolder against without.";

    public override double Run(bool quick)
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var ratio = Compare("photos as they are", Photos.Paths(quick ? 48 : null), Path.Combine(folder.FullName, "a"), quick);
            var enlarged = AsJpegs(Photos.Paths(quick ? 4 : 48), Path.Combine(folder.FullName, "large"), 4000);
            Compare("enlarged to 4000 px", enlarged, Path.Combine(folder.FullName, "b"), quick);
            return ratio;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static double Compare(string what, IReadOnlyList<string> paths, string folder, bool quick)
    {
        var preprocessing = new ImagePreprocessing();
        var encoder = new ImageEncoder(preprocessing);
        var host = ((IHostEnvironment)new MLContext()).Register(nameof(PictureCaches));
        string[] small = AsJpegs(paths, Path.Combine(folder, "jpeg"), 400);
        var epoch = 0;
        using var originals = Photos.Open(paths, encoder);
        var (cache, smallerCache) = (Path.Combine(folder, "cache-400"), Path.Combine(folder, "cache-256"));
        using var shrunk = Open(cache, longestSide: null);
        using var smaller = Open(smallerCache, 256);
        using var jpegs = Photos.Open(small, encoder);
        const string cached = "PictureCache.InFolder, 400 px", without = "without";
        var timing = new PairedTiming() // its warm-up is the first epoch
            .Add(cached, () => Read(shrunk))
            .Add(without, () => Read(originals))
            .Add("PictureCache.InFolder, 256 px", () => Read(smaller))
            .Add($"files of 400 px instead, JPEG {Quality}", () => Read(jpegs))
            .Run(rounds: quick ? 2 : 15, quick);
        Console.WriteLine(FormattableString.Invariant($"{paths.Count} {what}, {Size(paths):0.0} MiB; ")
            + FormattableString.Invariant($"JPEG of 400 px {Size(small):0.0} MiB; ")
            + FormattableString.Invariant($"caches: 400 px {Size(In(cache)):0.0} MiB, 256 px {Size(In(smallerCache)):0.0} MiB"));
        timing.Print(cached);
        return timing.Ratio(cached, without);

        EncodedImages Open(string path, int? longestSide) =>
            Photos.Open(paths, encoder, PictureCache.InFolder(path, longestSide).CacheFor(encoder, host));

        static string[] In(string path) => Directory.GetFiles(path, "*", SearchOption.AllDirectories);

        int Read(EncodedImages rows) => Photos.Decode(rows, preprocessing, Augmentation.Light, epoch++, withMean: false).Count;
    }

    private static double Size(IEnumerable<string> files) => files.Sum(file => new FileInfo(file).Length) / 1048576.0;

    private static string[] AsJpegs(IReadOnlyList<string> paths, string folder, int longestSide)
    {
        Directory.CreateDirectory(folder);
        return [.. paths.Select((path, i) => AsJpeg(path, Path.Combine(folder, $"{i}.jpg"), longestSide))];
    }

    private static string AsJpeg(string path, string target, int longestSide)
    {
        using var photo = SKBitmap.Decode(path);
        var scale = (double)longestSide / Math.Max(photo.Width, photo.Height);
        var size = new SKSizeI((int)Math.Round(photo.Width * scale), (int)Math.Round(photo.Height * scale));
        using var resized = photo.Resize(size, SKFilterQuality.High);
        using var data = resized.Encode(SKEncodedImageFormat.Jpeg, Quality);
        File.WriteAllBytes(target, data.ToArray());
        return target;
    }
}
