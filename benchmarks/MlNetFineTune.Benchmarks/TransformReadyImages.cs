using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;
using MlNetFineTune.Heads;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

internal sealed class TransformReadyImages : Benchmark
{
    public override string Name => "transform";

    public override string Question => "Scores of ready 224 px images through Transform, MobileNetV2: ours against the loop an ordinary TorchSharp user writes.";

    public override double Run(bool quick)
    {
        using var scope = NewDisposeScope();
        // The whole picture, so that both sides see the same pixels; resizing is measured with the data path.
        var backbone = SharedFiles.MobileNetV2();
        backbone = backbone with { Preprocessing = backbone.Preprocessing with { CropFraction = 1 } };
        var rows = Enumerable.Range(0, (quick ? 2 : 4) * Networks.Batch).Select(Draw).ToList();

        var ml = new MLContext();
        var view = ml.Data.LoadFromEnumerable(rows);
        using var classifier = ImageClassifier.Create(backbone, Networks.Classes, seed: 1);
        using var plain = Networks.Plain(classifier);
        plain.eval();
        using var transformer = ReadyModel.Of(ml, backbone, view, nameof(Row.Image));

        Networks.CheckSame("score of the first class, summed", Ours().Sum(row => row[0]), Plain(Networks.Batch).Sum(row => row[0]));

        const string library = "MlNetFineTune's Transform", user = "TorchSharp as one writes it, batch 16", single = "TorchSharp as one writes it, row by row";
        var timing = new PairedTiming()
            .Add(library, () => Ours().Count)
            .Add(user, () => Plain(Networks.Batch).Count)
            .Add(single, () => Plain(1).Count)
            .Run(rounds: quick ? 2 : 12, quick);
        timing.Print(library);
        PyTorch.PrintSteps(timing, library, "inference", quick);
        foreach (var row in rows)
            row.Image.Dispose();
        return timing.Ratio(library, user);

        List<float[]> Ours() => [.. transformer.Transform(view).GetColumn<float[]>("Score")];

        List<float[]> Plain(int batch)
        {
            var scores = new List<float[]>();
            using var noGradients = no_grad();
            foreach (var part in rows.Chunk(batch))
            {
                using var step = NewDisposeScope();
                var pixels = stack(part.Select(row => ToTensor(row.Image)).ToArray());
                var result = nn.functional.softmax(plain.forward(pixels), 1);
                scores.AddRange(result.unbind(0).Select(row => row.data<float>().ToArray()));
            }
            return scores;
        }
    }

    private static Row Draw(int index)
    {
        var pixels = new byte[Networks.Size * Networks.Size * 4];
        new Random(index).NextBytes(pixels);
        return new Row { Label = 1, Image = MLImage.CreateFromPixels(Networks.Size, Networks.Size, MLPixelFormat.Bgra32, pixels) };
    }

    // BGRA bytes -> [3, 224, 224] in [-1, 1], written as one would, with tensor operations rather than a loop over pixels.
    private static Tensor ToTensor(MLImage image)
    {
        var bytes = tensor(image.Pixels.ToArray(), [image.Height, image.Width, 4]);
        var red = bytes.select(2, 2);
        var green = bytes.select(2, 1);
        var blue = bytes.select(2, 0);
        return stack([red, green, blue]).to_type(ScalarType.Float32) / 127.5 - 1;
    }

    private sealed class Row
    {
        [KeyType(Networks.Classes)]
        public uint Label { get; set; }

        [ImageType(Networks.Size, Networks.Size)]
        public MLImage Image { get; set; } = null!;
    }
}
