using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using SkiaSharp;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Effect of thresholds and positive weights on multi-label classification. The pictures are mosaics of 2 x 2 CIFAR-10 pictures, and their
/// labels the classes that occur: the classes of the cells are drawn with probabilities that decrease by a factor of 0.7 from class to
/// class, so that airplanes are in most pictures and trucks in few. Training mosaics consist of training pictures only, test mosaics of
/// test pictures, which are not used for any choice. The head of MobileNetV1 0.25 with ImageNet weights is trained on cached features; 20 %
/// of the pictures, by iterative stratification, are validation.
/// </summary>
internal static class MultiLabelStudy
{
    public const string Name = "multi-label-study";

    public const string Usage = $"{Name} [--seeds N] [--rows N] [--epochs N]";

    private const int Cell = 64;

    private static readonly string[] s_classes =
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    private static readonly (string Name, LearningTask Task)[] s_tasks =
    [
        ("none, fixed 0.5", LearningTask.MultiLabel()),
        ("none, tuned", LearningTask.MultiLabel(threshold: DecisionThreshold.F1)),
        ("balanced, fixed 0.5", LearningTask.MultiLabel(PositiveWeights.Balanced())),
        ("balanced, tuned", LearningTask.MultiLabel(PositiveWeights.Balanced(), DecisionThreshold.F1)),
    ];

    public static int Run(IReadOnlyList<string> arguments)
    {
        var (seeds, rows, epochs) = (3, 1500, 20);
        for (var i = 0; i < arguments.Count; i += 2)
        {
            var isNumber = i + 1 < arguments.Count & int.TryParse(
                arguments.ElementAtOrDefault(i + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number);
            if (!isNumber || number == 0 || arguments[i] is not ("--seeds" or "--rows" or "--epochs"))
            {
                Console.Error.WriteLine($"'{arguments[i]}' is not understood, or its number is missing. Usage: {Usage}");
                return 2;
            }
            _ = arguments[i] switch { "--seeds" => seeds = number, "--rows" => rows = number, _ => epochs = number };
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"MobileNetV1(0.25), head alone, {epochs} epochs, {rows} training and {rows} test pictures, {seeds} seeds"));
        Console.WriteLine("| positive weights, thresholds | mAP | micro F1 | macro F1 | Hamming loss | subset accuracy |");
        Console.WriteLine("|---|---|---|---|---|---|");
        var folder = Directory.CreateTempSubdirectory("multi-label-study-").FullName;
        try
        {
            var metrics = s_tasks.Select(_ => new List<MultiLabelMetrics>()).ToArray();
            for (var seed = 1; seed <= seeds; seed++)
            {
                var training = Draw(Path.Combine(folder, $"train-{seed}"), "train", rows, seed);
                var test = Draw(Path.Combine(folder, $"test-{seed}"), "test", rows, seed + 1000);
                foreach (var (index, (_, task)) in s_tasks.Index())
                    metrics[index].Add(Judge(task, training, test, seed, epochs));
            }
            foreach (var ((name, _), ofSeeds) in s_tasks.Zip(metrics))
                Console.WriteLine($"| {name} | {string.Join(" | ", Columns(ofSeeds))} |");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        return 0;
    }

    private static IEnumerable<string> Columns(List<MultiLabelMetrics> ofSeeds)
    {
        Func<MultiLabelMetrics, double>[] columns =
        [
            one => one.MeanAveragePrecision, one => one.MicroF1, one => one.MacroF1, one => one.HammingLoss, one => one.SubsetAccuracy,
        ];
        foreach (var column in columns)
        {
            double[] values = [.. ofSeeds.Select(column)];
            yield return string.Create(
                CultureInfo.InvariantCulture, $"{values.Average():0.000} ({values.Min():0.000} to {values.Max():0.000})");
        }
    }

    private static MultiLabelMetrics Judge(LearningTask task, Composite[] training, Composite[] test, int seed, int epochs)
    {
        var ml = new MLContext(seed);
        var backbone = Backbone.MobileNetV1(0.25f).WithWeights(SharedFiles.Require("weights/mobilenetv1_025.safetensors"));
        using var model = ml.FineTuning.FineTuneImages(new ImageFineTuningOptions
        {
            Backbone = backbone with { Preprocessing = backbone.Preprocessing with { Size = 2 * Cell, CropFraction = 1 } },
            Task = task,
            LabelColumnName = nameof(Composite.Tags),
            Strategy = Strategy.HeadOnly,
            Augmentation = Augmentation.None,
            Epochs = epochs,
            BatchSize = 32,
            LearningRate = 3e-3f,
            Seed = seed,
        }).Fit(Keyed(ml, training));
        return ml.FineTuning.EvaluateMultiLabel(model.Transform(Keyed(ml, test)), nameof(Composite.Tags));
    }

    private static IDataView Keyed(MLContext ml, Composite[] rows)
    {
        var data = ml.Data.LoadFromEnumerable(rows);
        var keys = ml.Data.LoadFromEnumerable(s_classes.Select(name => new ClassName { Name = name }));
        return ml.Transforms.Conversion.MapValueToKey(nameof(Composite.Tags), keyData: keys).Fit(data).Transform(data);
    }

    private static Composite[] Draw(string folder, string part, int count, int seed)
    {
        Directory.CreateDirectory(folder);
        var source = SharedFiles.Require($"data/cifar10/{part}");
        string[][] files =
        [
            .. s_classes.Select(name => Directory.GetFiles(Path.Combine(source, name)).Order(StringComparer.Ordinal).ToArray()),
        ];
        double[] shares = [.. s_classes.Select((_, index) => Math.Pow(0.7, index))];
        var random = new Random(seed);
        var composites = new Composite[count];
        using var bitmap = new SKBitmap(2 * Cell, 2 * Cell);
        using var canvas = new SKCanvas(bitmap);
        using var paint = new SKPaint { FilterQuality = SKFilterQuality.High };
        for (var row = 0; row < count; row++)
        {
            var tags = new SortedSet<string>(StringComparer.Ordinal);
            for (var cell = 0; cell < 4; cell++)
            {
                var drawn = Draw(shares, random);
                tags.Add(s_classes[drawn]);
                using var picture = SKBitmap.Decode(files[drawn][random.Next(files[drawn].Length)]);
                var place = SKRect.Create(cell % 2 * Cell, cell / 2 * Cell, Cell, Cell);
                canvas.DrawBitmap(picture, place, paint);
            }
            using var encoded = bitmap.Encode(SKEncodedImageFormat.Jpeg, 92);
            var path = Path.Combine(folder, $"{row:00000}.jpg");
            File.WriteAllBytes(path, encoded.ToArray());
            composites[row] = new Composite { ImagePath = path, Tags = [.. tags] };
        }
        return composites;
    }

    private static int Draw(double[] shares, Random random)
    {
        var left = random.NextDouble() * shares.Sum();
        var index = 0;
        while (index < shares.Length - 1 && (left -= shares[index]) >= 0)
            index++;
        return index;
    }

    private sealed class Composite
    {
        public string ImagePath { get; set; } = "";

        public string[] Tags { get; set; } = [];
    }

    private sealed class ClassName
    {
        public string Name { get; set; } = "";
    }
}
