using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.MlNet;
using SkiaSharp;

namespace MlNetFineTune.Benchmarks;

internal sealed class DecodePhotos : Benchmark
{
    public override string Name => "decode";

    public override string Question =>
        "Photos (ants-bees) from their files to normalised 224 px tensors, 2 workers: "
        + "ours against ML.NET's LoadImages, ResizeImages and ExtractPixels, whose rows one thread reads where the image is asked for too.";

    public override double Run(bool quick)
    {
        var paths = Photos.Paths(quick ? 48 : null);
        var preprocessing = new ImagePreprocessing();
        var ml = new MLContext();
        var view = ml.Data.LoadFromEnumerable(paths.Select(path => new Row { ImagePath = path }));
        var pixels = ml.Transforms.LoadImages("Image", imageFolder: "", nameof(Row.ImagePath))
            .Append(ml.Transforms.ResizeImages("Image", preprocessing.Size, preprocessing.Size))
            .Append(ml.Transforms.ExtractPixels("Pixels", "Image"))
            .Fit(view).Transform(view);

        // ML.NET reads rows on several threads only if all active columns can be cached; images cannot. The target of 2.5 was set relative
        // to one thread (148 photos/s, the rate of Skia's decode and resize on one thread); reading only the pixels, on all cores, is shown
        // too. The upper bound: at 1/8 of the size, almost only entropy decoding remains, which every JPEG decoder needs.
        const string unpacking = "Skia at an eighth of the size, 2 threads, pixels unused";
        const string ours = "MlNetFineTune, 2 workers", theirs = "ML.NET, the pixels alone: on all cores",
            serial = "ML.NET, all columns: on one core";
        var timing = new PairedTiming()
            .Add(ours, () => Photos.Decode(paths, preprocessing, Augmentation.None, withMean: false).Count)
            .Add(theirs, () => ReadAll([pixels.Schema["Pixels"]]))
            .Add(serial, () => ReadAll(pixels.Schema))
            .Add(unpacking, Unpack)
            .Run(rounds: quick ? 2 : 9, quick);
        timing.Print(ours);
        return timing.Ratio(ours, serial);

        int Unpack()
        {
            Parallel.ForEach(paths, new ParallelOptions { MaxDegreeOfParallelism = Photos.Workers }, path =>
            {
                using var codec = SKCodec.Create(path);
                var size = codec.GetScaledDimensions(1 / 8f);
                using var small = SKBitmap.Decode(codec, new SKImageInfo(size.Width, size.Height));
            });
            return paths.Count;
        }

        int ReadAll(IEnumerable<DataViewSchema.Column> columns)
        {
            using var cursor = pixels.GetRowCursor(columns);
            var getter = cursor.GetGetter<VBuffer<float>>(pixels.Schema["Pixels"]);
            VBuffer<float> value = default;
            var count = 0;
            for (; cursor.MoveNext(); count++)
                getter(ref value);
            return count;
        }
    }

    private sealed class Row
    {
        public string ImagePath { get; set; } = "";
    }
}
