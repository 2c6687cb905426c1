using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers.LightGbm;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Whether <c>ml.Data.Augment</c> helps trainers of ML.NET: SDCA and LightGBM with their defaults (SDCA at most 50 passes, LightGBM 50
/// trees a class) on the photos of flowers, as pixels of 24 by 24 and as the features of a pretrained MobileNetV2. All photos of
/// <c>train</c> train, as they are and in augmented copies; those of <c>val</c> are scored once, as they are.
/// </summary>
internal static class StockAugmentationStudy
{
    public const string Name = "stock-augmentation-study";

    public const string Usage = $"{Name} [--seeds N] [--copies N] [--quick]";

    private const int Side = 24;

    // With the most copies that make sense.
    private static readonly (string Name, Augmentation? Augmentation, int Copies)[] s_rows =
    [
        ("as they are", null, 0),
        ("mirrored as well", Augmentation.HorizontalFlip(1), 1),
        ("`Standard`", Augmentation.Standard, int.MaxValue),
    ];

    public static int Run(IReadOnlyList<string> arguments)
    {
        var (seeds, copies, rows) = (3, 2, s_rows);
        for (var i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] == "--quick")
                (seeds, copies, rows) = (1, 1, s_rows[..2]);
            else if (arguments[i] is "--seeds" or "--copies" && i + 1 < arguments.Count && int.TryParse(arguments[i + 1], out var number)
                && number > 0)
                (seeds, copies, i) = arguments[i] == "--seeds" ? (number, copies, i + 1) : (seeds, number, i + 1);
            else
                return Misused(arguments[i]);
        }
        using var network = new FeatureNetwork();
        (string Name, Func<MLContext, IDataView, Row[]> Read)[] forms = [("pixels", Pixels), ("features", network.Read)];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"flowers, seeds 1 to {seeds}: accuracy on the photos of val, mean (each seed)\n"));
        Console.WriteLine("| training photos | rows | pixels, SDCA | pixels, LightGBM | features, SDCA | features, LightGBM |");
        Console.WriteLine("|---|---|---|---|---|---|");
        var plain = new MLContext(1);
        var test = forms.Select(form => form.Read(plain, Load(plain, "val", augmentation: null, copies: 0))).ToArray();
        foreach (var (name, augmentation, most) in rows)
        {
            var results = new List<double>[4];
            for (var i = 0; i < results.Length; i++)
                results[i] = [];
            var count = 0;
            for (var seed = 1; seed <= seeds; seed++)
            {
                var ml = new MLContext(seed);
                for (var form = 0; form < forms.Length; form++)
                {
                    var train = forms[form].Read(ml, Load(ml, "train", augmentation, Math.Min(most, copies)));
                    count = train.Length;
                    results[2 * form].Add(Accuracy(ml, Sdca(ml), train, test[form]));
                    results[2 * form + 1].Add(Accuracy(ml, LightGbm(ml, seed), train, test[form]));
                }
            }
            Console.WriteLine($"| {name} | {count} | {string.Join(" | ", results.Select(Show))} |");
        }
        return 0;
    }

    private static int Misused(string argument)
    {
        Console.Error.WriteLine($"'{argument}' is not understood. Usage: {Usage}");
        return 2;
    }

    private static string Show(List<double> values) => string.Create(CultureInfo.InvariantCulture,
        $"{values.Average():0.000} ({string.Join(", ", values.Select(value => value.ToString("0.00", CultureInfo.InvariantCulture)))})");

    private static IEstimator<ITransformer> Sdca(MLContext ml) =>
        ml.MulticlassClassification.Trainers.SdcaMaximumEntropy(maximumNumberOfIterations: 50);

    private static IEstimator<ITransformer> LightGbm(MLContext ml, int seed) => ml.MulticlassClassification.Trainers.LightGbm(
        new LightGbmMulticlassTrainer.Options { NumberOfIterations = 50, Seed = seed, NumberOfThreads = 2 });

    private static IDataView Load(MLContext ml, string part, Augmentation? augmentation, int copies)
    {
        var photos = ml.Data.LoadImageFolder(Path.Combine(SharedFiles.Require("data/flowers"), part));
        return augmentation is null
            ? ml.Transforms.AugmentImages("Image", "ImagePath", Augmentation.None).Fit(photos).Transform(photos)
            : ml.Data.Augment(photos, copies, augmentation, inputColumnName: "ImagePath");
    }

    private static Row[] Pixels(MLContext ml, IDataView photos)
    {
        var pixels = ml.Transforms.ResizeImages("Image", Side, Side)
            .Append(ml.Transforms.ExtractPixels("Pixels", "Image", scaleImage: 1 / 255f)).Fit(photos).Transform(photos);
        return [.. pixels.GetColumn<string>("Label").Zip(pixels.GetColumn<float[]>("Pixels"), (label, values) => new Row(label, values))];
    }

    private static double Accuracy(MLContext ml, IEstimator<ITransformer> trainer, Row[] train, Row[] test)
    {
        var schema = SchemaDefinition.Create(typeof(Row));
        schema["Features"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, train[0].Features.Length);
        var model = ml.Transforms.Conversion.MapValueToKey("Label").AppendCacheCheckpoint(ml).Append(trainer)
            .Fit(ml.Data.LoadFromEnumerable(train, schema));
        var metrics = ml.MulticlassClassification.Evaluate(model.Transform(ml.Data.LoadFromEnumerable(test, schema)));
        model.Dispose();
        return metrics.MicroAccuracy;
    }

    private sealed class Row(string label, float[] features)
    {
        public string Label { get; set; } = label;

        public float[] Features { get; set; } = features;
    }

    // A frozen MobileNetV2: what its head would see.
    private sealed class FeatureNetwork : IDisposable
    {
        private const int Batch = 16;

        private readonly ImageNetwork _network = ImageNetwork.Create(
            Backbone.MobileNetV2.WithWeights(SharedFiles.Require("weights/mobilenetv2_100.safetensors")), outputs: 2, seed: 1);

        public FeatureNetwork() => _network.PrepareForScoring();

        public Row[] Read(MLContext ml, IDataView photos)
        {
            var preprocessing = _network.Definition.Preprocessing;
            var encoder = new ImageEncoder(preprocessing);
            using var normalizer = new PixelNormalizer(preprocessing, CPU);
            using var cursor = photos.GetRowCursor([photos.Schema["Label"], photos.Schema["Image"]]);
            var label = cursor.GetGetter<ReadOnlyMemory<char>>(photos.Schema["Label"]);
            var reader = new ImageColumn("Image", Folder: null, Pixels: null).CreateReader(cursor, photos.Schema["Image"]);
            var (rows, labels, bytes) = (new List<Row>(), new List<string>(), new byte[Batch * encoder.Length]);
            while (cursor.MoveNext())
            {
                ReadOnlyMemory<char> name = default;
                label(ref name);
                if (reader.Read().Encode(
                    encoder, Augmentation.None, default, bytes.AsSpan(labels.Count * encoder.Length, encoder.Length)) is { } reason)
                    throw new InvalidDataException(reason);
                labels.Add(name.ToString());
                if (labels.Count == Batch)
                    Flush();
            }
            Flush();
            return [.. rows];

            void Flush()
            {
                if (labels.Count == 0)
                    return;
                using var scope = NewDisposeScope();
                using var inference = inference_mode(true);
                var features = _network.Backbone.call(normalizer.ToTensor(bytes, labels.Count));
                if (features.ndim == 4)
                    features = features.mean([2, 3]); // [N, C, H, W] -> [N, C]
                var values = features.contiguous().data<float>().ToArray();
                rows.AddRange(labels.Zip(values.Chunk(values.Length / labels.Count), (name, chunk) => new Row(name, chunk)));
                labels.Clear();
            }
        }

        public void Dispose() => _network.Dispose();
    }
}
