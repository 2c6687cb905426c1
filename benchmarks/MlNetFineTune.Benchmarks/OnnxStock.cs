using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Onnx;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using SkiaSharp;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

internal sealed class OnnxStock : Benchmark
{
    public override string Name => "onnx";

    public override string Question =>
        "Scores of ready 224 px pixels (and of photo files) by ML.NET's own transformers around an exported MobileNetV2: "
        + "against the loop an ordinary TorchSharp user writes.";

    // ML.NET distributes rows to its workers in blocks of 128 (DataViewUtils.SplitCore): with fewer than two blocks per core, the speed of
    // one worker would be measured.
    private const int Rows = 512;

    public override double Run(bool quick)
    {
        using var scope = NewDisposeScope();
        var ml = new MLContext();
        var backbone = SharedFiles.MobileNetV2();
        var rows = Enumerable.Range(0, quick ? 2 * Networks.Batch : Rows).Select(Draw).ToList();
        var view = ml.Data.LoadFromEnumerable(rows);
        using var model = ReadyModel.Of(ml, backbone, ml.Data.LoadFromEnumerable(new List<Photo> { new() }), nameof(Photo.ImagePath));
        using var classifier = ImageNetwork.Create(backbone, Networks.Classes, seed: 1);
        using var plain = Networks.Plain(classifier);
        plain.eval();

        var file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.onnx");
        ml.FineTuning.ExportOnnx(model, file);
        try
        {
            using var stock = ml.Transforms.ApplyOnnxModel("probabilities", "pixels", file).Fit(view);
            using var single = OneThreadARun().Transforms.ApplyOnnxModel("probabilities", "pixels", file).Fit(view);
            Networks.CheckSame("score of the first class, summed", Stock(stock).Sum(row => row[0]), Plain().Sum(row => row[0]));

            const string library = "ML.NET's ApplyOnnxModel, one thread a run", user = "plain TorchSharp, batch 16";
            var timing = new PairedTiming()
                .Add(library, () => Stock(single).Count)
                .Add("the same, the runtime's own threads", () => Stock(stock).Count)
                .Add(user, () => Plain().Count)
                .Run(rounds: quick ? 2 : 6, quick);
            timing.Print(library, title: "ready pixels");
            FromFiles(ml, model, plain, quick);
            return timing.Ratio(library, user);

            List<float[]> Stock(ITransformer transformer) => [.. transformer.Transform(view).GetColumn<float[]>("probabilities")];
        }
        finally
        {
            File.Delete(file);
        }

        List<float[]> Plain() => Score(plain, rows, row => tensor(row.Pixels, [3, Networks.Size, Networks.Size]));
    }

    // ML.NET's workers score rows in parallel, so that additional threads of the runtime only compete. The setting is not stored in a model
    // file: an application sets it before it loads one.
    private static MLContext OneThreadARun()
    {
        var ml = new MLContext();
        ml.SetOnnxSessionOption(new OnnxSessionOptions { IntraOpNumThreads = 1 });
        return ml;
    }

    private static void FromFiles(MLContext ml, FineTuningTransformer model, PlainMobileNetV2 plain, bool quick)
    {
        string[] paths = quick ? [.. Photos.Paths(32)] : [.. Photos.Paths(Rows / 2), .. Photos.Paths(Rows / 2)];
        var photos = paths.Select(path => new Photo { ImagePath = path }).ToList();
        var view = ml.Data.LoadFromEnumerable(photos);
        var chain = ml.FineTuning.ToOnnxPipeline(model, view.Schema);
        using var owner = (IDisposable)chain;
        var single = OneThreadARun().FineTuning.ToOnnxPipeline(model, view.Schema);
        using var otherOwner = (IDisposable)single;

        const string library = "ToOnnxPipeline, one thread a run", user = "plain TorchSharp and Skia, batch 16",
            ours = "MlNetFineTune's Transform";
        var timing = new PairedTiming()
            .Add(library, () => single.Transform(view).GetColumn<float[]>("Score").Count())
            .Add("the same, the runtime's own threads", () => chain.Transform(view).GetColumn<float[]>("Score").Count())
            .Add(user, () => Score(plain, photos, photo => Decode(photo.ImagePath)).Count)
            .Add(ours, () => model.Transform(view).GetColumn<float[]>("Score").Count())
            .Run(rounds: quick ? 2 : 6, quick);
        timing.Print(library, title: "photos from files");
    }

    private static List<float[]> Score<T>(PlainMobileNetV2 plain, List<T> rows, Func<T, Tensor> pixelsOf)
    {
        var scores = new List<float[]>();
        using var noGradients = no_grad();
        foreach (var part in rows.Chunk(Networks.Batch))
        {
            using var step = NewDisposeScope();
            var pixels = stack(part.Select(pixelsOf).ToArray()) / 127.5 - 1;
            scores.AddRange(nn.functional.softmax(plain.forward(pixels), 1).unbind(0).Select(row => row.data<float>().ToArray()));
        }
        return scores;
    }

    // The resized centre square: [3, 224, 224], 0 to 255.
    private static Tensor Decode(string path)
    {
        using var photo = SKBitmap.Decode(path);
        var side = Math.Min(photo.Width, photo.Height);
        using var square = new SKBitmap();
        photo.ExtractSubset(square, SKRectI.Create((photo.Width - side) / 2, (photo.Height - side) / 2, side, side));
        using var small = square.Resize(new SKImageInfo(Networks.Size, Networks.Size, SKColorType.Rgba8888), SKFilterQuality.High);
        return tensor(small.Bytes, [Networks.Size, Networks.Size, 4])[.., .., ..3].permute(2, 0, 1).to_type(ScalarType.Float32);
    }

    private static Row Draw(int index)
    {
        var random = new Random(index);
        return new Row { Pixels = [.. Enumerable.Range(0, 3 * Networks.Size * Networks.Size).Select(_ => (float)random.Next(256))] };
    }

    private sealed class Row
    {
        [VectorType(3, Networks.Size, Networks.Size)]
        [ColumnName("pixels")]
        public float[] Pixels { get; set; } = [];
    }

    private sealed class Photo
    {
        [KeyType(Networks.Classes)]
        public uint Label { get; set; }

        public string ImagePath { get; set; } = "";
    }
}
