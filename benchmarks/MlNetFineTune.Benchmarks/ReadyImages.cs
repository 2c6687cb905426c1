using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

/// <summary>Images of the network's input size, the library's model over them, and a plain TorchSharp loop with the same weights.</summary>
internal sealed class ReadyImages : IDisposable
{
    private readonly nn.Module<Tensor, Tensor> _plain;

    /// <param name="backbone">A backbone with inputs in [-1, 1].</param>
    /// <param name="plain">Creates the same network from TorchSharp's own modules.</param>
    /// <param name="count">Number of images.</param>
    public ReadyImages(Backbone backbone, Func<nn.Module<Tensor, Tensor>> plain, int count)
    {
        // The whole picture, so that both sides have the same pixels; resizing is part of the benchmarks of the data path. Random weights
        // have no preprocessing.
        backbone = backbone with
        {
            Preprocessing = backbone.Preprocessing with
            {
                CropFraction = 1,
                Mean = ColorTriple.Half,
                Std = ColorTriple.Half
            }
        };
        Backbone = backbone;
        Rows = [.. Enumerable.Range(0, count).Select(Draw)];
        View = Context.Data.LoadFromEnumerable(Rows);
        Model = ReadyModel.Of(Context, backbone, View, nameof(Row.Image));
        using var classifier = ImageNetwork.Create(backbone, Networks.Classes, seed: 1);
        _plain = Networks.Filled(plain(), classifier);
        _plain.eval();
        Networks.CheckSame("score of the first class, summed", Ours().Sum(row => row[0]), Plain(Networks.Batch).Sum(row => row[0]));
    }

    public MLContext Context { get; } = new();

    /// <summary>The model's, which sees whole images.</summary>
    public Backbone Backbone { get; }

    public IReadOnlyList<Row> Rows { get; }

    public IDataView View { get; }

    public FineTuningTransformer Model { get; }

    public List<float[]> Ours() => ScoresOf(Model);

    /// <summary>The scores of the images by another model on the same column.</summary>
    public List<float[]> ScoresOf(FineTuningTransformer model) => [.. model.Transform(View).GetColumn<float[]>("Score")];

    public List<float[]> Plain(int batch) => Plain(batch, _plain);

    /// <summary>The scores of the images by a network of others, in the same plain loop.</summary>
    public List<float[]> Plain(int batch, nn.Module<Tensor, Tensor> network)
    {
        var scores = new List<float[]>();
        using var noGradients = no_grad();
        foreach (var part in Rows.Chunk(batch))
        {
            using var step = NewDisposeScope();
            var pixels = stack(part.Select(row => ToTensor(row.Image)).ToArray());
            var result = nn.functional.softmax(network.forward(pixels), 1);
            scores.AddRange(result.unbind(0).Select(row => row.data<float>().ToArray()));
        }
        return scores;
    }

    public void Dispose()
    {
        _plain.Dispose();
        Model.Dispose();
        foreach (var row in Rows)
            row.Image.Dispose();
    }

    private static Row Draw(int index)
    {
        var pixels = new byte[Networks.Size * Networks.Size * 4];
        new Random(index).NextBytes(pixels);
        return new Row { Label = 1, Image = MLImage.CreateFromPixels(Networks.Size, Networks.Size, MLPixelFormat.Bgra32, pixels) };
    }

    // BGRA bytes -> [3, 224, 224] in [-1, 1], with tensor operations instead of a loop over pixels.
    private static Tensor ToTensor(MLImage image)
    {
        var bytes = tensor(image.Pixels.ToArray(), [image.Height, image.Width, 4]);
        var red = bytes.select(2, 2);
        var green = bytes.select(2, 1);
        var blue = bytes.select(2, 0);
        return stack([red, green, blue]).to_type(ScalarType.Float32) / 127.5 - 1;
    }

    public sealed class Row
    {
        [KeyType(Networks.Classes)]
        public uint Label { get; set; }

        [ImageType(Networks.Size, Networks.Size)]
        public MLImage Image { get; set; } = null!;
    }
}
