using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Benchmarks;

internal sealed class DecodePhotos : Benchmark
{
    public override string Name => "decode";

    public override string Question => "Photos (ants-bees) from their files to normalised 224 px tensors, 2 workers: ours against ML.NET's LoadImages, ResizeImages and ExtractPixels.";

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

        // ML.NET reads rows on several threads where every column asked for can be cached; images cannot.
        const string ours = "MlNetFineTune, 2 workers", theirs = "ML.NET, the pixels alone: on all cores", serial = "ML.NET, all columns: on one core";
        var timing = new PairedTiming()
            .Add(ours, () => Photos.Decode(paths, preprocessing, Augmentation.None).Count)
            .Add(theirs, () => ReadAll([pixels.Schema["Pixels"]]))
            .Add(serial, () => ReadAll(pixels.Schema))
            .Run(rounds: quick ? 2 : 9, quick);
        timing.Print(ours);
        return timing.Ratio(ours, theirs);

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
