using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

/// <summary>Comparison of runtimes for deployment: every family in ONNX Runtime and libtorch, with batches of 1 and 16.</summary>
internal static class OnnxTable
{
    public const string Name = "onnx-table";

    public const string Usage = $"{Name} [--quick | NETWORK ...]";

    private const string DinoV2 = "vit_small_patch14_dinov2";

    // A small member of each family.
    private static readonly string[] s_networks =
    [
        "mobilenetv1_025", "mobilenetv1_100", "mobilenetv2_100", "mobilenetv3_small_100", "mobilenetv3_large_100", "efficientnet_b0",
        "tf_efficientnet_b0", "squeezenet1_1", "resnet18", "resnet50",
        "resnext50_32x4d", "wide_resnet50_2", "regnet_y_400mf", "densenet121", "vgg16_bn", "convnext_tiny", "vit_tiny_patch16_224",
        "deit_small_patch16_224", DinoV2, "resnet20", "micro",
    ];

    public static int Run(IReadOnlyList<string> arguments)
    {
        var quick = arguments is ["--quick"];
        var named = quick ? s_networks[..1] : [.. arguments];
        if (named.Except(Backbone.List().Select(info => info.Name)).Any())
        {
            Console.Error.WriteLine($"Usage: {Usage}");
            return 2;
        }
        Console.WriteLine("Pictures a second on ready pixels, random weights; each pair measured in turns\n");
        Console.WriteLine("| network | file, MB | ONNX Runtime, 1 | libtorch, 1 | ONNX Runtime, 16 | libtorch, 16 |");
        Console.WriteLine("|---|---|---|---|---|---|");
        var ml = new MLContext();
        foreach (var network in named is [] ? s_networks : named)
            Measure(ml, network, OnnxPrecision.Float32, network);
        if (arguments.Count > 0)
            return 0;
        const string Smaller = "mobilenetv2_100";
        Measure(ml, Smaller, OnnxPrecision.Float16, $"{Smaller}, `Float16`");
        Measure(ml, Smaller, OnnxPrecision.Int8(ml.Data.LoadFromEnumerable(Photos.Paths(32).Select(path => new Row { ImagePath = path }))),
            $"{Smaller}, `Int8`");
        return 0;
    }

    private static void Measure(MLContext ml, string network, OnnxPrecision precision, string name)
    {
        var backbone = Backbone.FromName(network).FromScratch();
        if (network == DinoV2)
        {
            // At its default of 518 pixels a picture costs ten times as much in both runtimes.
            backbone = backbone with { Preprocessing = backbone.Preprocessing with { Size = Networks.Size } };
            name += $" at {Networks.Size} px";
        }
        using var model = ReadyModel.Of(ml, backbone, ml.Data.LoadFromEnumerable(new List<Row> { new() }), nameof(Row.ImagePath));
        var file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.onnx");
        try
        {
            ml.FineTuning.ExportOnnx(model, file, precision);
            using var session = new InferenceSession(file);
            using var classifier = ImageNetwork.Create(backbone, Networks.Classes, seed: 1);
            classifier.PrepareForScoring();
            var rates = new List<double>();
            foreach (var batch in (int[])[1, 16])
                rates.AddRange(Rates(session, classifier, batch, backbone.Preprocessing.Size));
            Console.WriteLine(
                string.Create(CultureInfo.InvariantCulture,
                    $"| {name} | {new FileInfo(file).Length / 1e6:0.0} | "
                    + $"{string.Join(" | ", rates.Select(rate => rate.ToString(rate < 100 ? "0.0" : "0", CultureInfo.InvariantCulture)))} "
                    + $"|"));
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static double[] Rates(InferenceSession session, ImageNetwork classifier, int batch, int size)
    {
        var input = NamedOnnxValue.CreateFromTensor("pixels", new DenseTensor<float>([batch, 3, size, size]));
        var bytes = new byte[batch * 3 * size * size];
        using var collator = new PixelNormalizer(classifier.Definition.Preprocessing, classifier.Device);
        var (onnx, torch) = (new List<double>(), new List<double>());
        for (var round = 0; round < 6; round++)
        {
            onnx.Add(Rate(() => session.Run([input]).Dispose()));
            torch.Add(Rate(() =>
            {
                using var scope = NewDisposeScope();
                using var inference = inference_mode();
                nn.functional.softmax(classifier.ForwardRest(collator.Collate(bytes, batch), first: 0), 1).data<float>().ToArray();
            }));
        }
        return [PairedTiming.Median(onnx.Skip(1)), PairedTiming.Median(torch.Skip(1))];

        double Rate(Action run)
        {
            var (watch, runs) = (Stopwatch.StartNew(), 0);
            do
            {
                run();
                runs++;
            }
            while (watch.Elapsed.TotalSeconds < 0.3);
            return runs * batch / watch.Elapsed.TotalSeconds;
        }
    }

    private sealed class Row
    {
        [Microsoft.ML.Data.KeyType(Networks.Classes)]
        public uint Label { get; set; }

        public string ImagePath { get; set; } = "";
    }
}
