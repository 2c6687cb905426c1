using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using Microsoft.ML.Trainers.LightGbm;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// What each pooling of a frozen network is worth to ML.NET's own trainers: MobileNetV1 0.25 (or another), the smallest with real weights,
/// three seeds, accuracy on test photos. A seed draws the training photos: four fifths of those of ants-bees and flowers, 300 of the 400 of
/// deck-cracks (the others test), 400 of 500 of CIFAR-10 (500 of its test pictures, 50 a class). SDCA learns on features of mean 0 and
/// variance 1, LightGBM on them as they are, each on one thread, so that the numbers come again. Beside them a new head is fine-tuned on
/// the same photos, a fifth of which choose its epoch, with the network's own pooling and with attention. Features are computed once for
/// each pooling, but once a seed for attention, whose query is learned on the training photos alone.
/// </summary>
internal static class FeatureStudy
{
    public const string Name = "feature-study";

    public const string Usage = $"{Name} [--seeds N] [--data ants-bees,flowers,deck-cracks,cifar10] [--network NAME] [--poolings TEXT] "
        + "[--full] [--quick]";

    private const int CifarTrain = 500, CifarTest = 500, DeckTrain = 300;

    private static readonly (string Name, FeaturePooling Pooling)[] s_poolings =
    [
        ("`Native` (`Average`)", FeaturePooling.Native),
        ("`Max`", FeaturePooling.Max),
        ("`AverageAndMax`", FeaturePooling.AverageAndMax),
        ("`GeneralizedMean(3)`", FeaturePooling.GeneralizedMean()),
        ("`MultiScale`, 3 stages", FeaturePooling.MultiScale(["blocks.2", "blocks.3", "blocks.4"])),
        ("`MultiScale`, 160, 224, 288 pixels", FeaturePooling.MultiScale(sizes: [160, 224, 288])),
        ("`Attention`, 1 head", FeaturePooling.Attention(heads: 1)),
        ("`Attention`, 8 heads", FeaturePooling.Attention()),
    ];

    private static readonly (string Name, HeadPooling Pooling)[] s_heads =
    [
        ("`Native`", HeadPooling.Native),
        ("`Attention`, 1 head", HeadPooling.Attention(heads: 1)),
        ("`Attention`, 8 heads", HeadPooling.Attention()),
    ];

    private static string s_network = "mobilenetv1_025";

    public static int Run(IReadOnlyList<string> arguments)
    {
        var seeds = 3;
        string[] sets = ["ants-bees", "flowers", "deck-cracks", "cifar10"];
        var (part, full) = ("", false);
        for (var i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] == "--quick")
                (seeds, sets) = (1, ["ants-bees"]);
            else if (arguments[i] == "--seeds" && i + 1 < arguments.Count && int.TryParse(arguments[i + 1], out var number) && number > 0)
                (seeds, i) = (number, i + 1);
            else if (arguments[i] == "--data" && i + 1 < arguments.Count)
                (sets, i) = (arguments[i + 1].Split(','), i + 1);
            else if (arguments[i] == "--poolings" && i + 1 < arguments.Count)
                (part, i) = (arguments[i + 1], i + 1);
            else if (arguments[i] == "--network" && i + 1 < arguments.Count)
                (s_network, i) = (arguments[i + 1], i + 1);
            else if (arguments[i] == "--full")
                full = true;
            else
                return Misused(arguments[i]);
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{s_network}, seeds 1 to {seeds}: mean (sd) of the accuracy on test photos\n"));
        foreach (var set in sets)
            Print(set, seeds, part, full);
        return 0;
    }

    private static int Misused(string argument)
    {
        Console.Error.WriteLine($"'{argument}' is not understood. Usage: {Usage}");
        return 2;
    }

    // Poolings whose name contains the part; full: heads also with every layer trained.
    private static void Print(string set, int seeds, string part, bool full)
    {
        var photos = PhotosOf(set);
        Console.WriteLine($"| {set} | features | SDCA | LightGBM | photos/s |\n|---|---|---|---|---|");
        foreach (var (name, pooling) in s_poolings.Where(one => one.Name.Contains(part, StringComparison.Ordinal)))
        {
            var watch = Stopwatch.StartNew();
            var isLearned = name.Contains("Attention", StringComparison.Ordinal);
            var features = isLearned ? [] : FeaturesOf(photos, pooling, learned: null);
            var speed = photos.Count / watch.Elapsed.TotalSeconds;
            var (sdca, trees) = (new List<double>(), new List<double>());
            foreach (var seed in Enumerable.Range(1, seeds))
            {
                var ml = new MLContext(seed);
                var (train, test) = Split(photos, set, seed);
                if (isLearned)
                {
                    watch.Restart();
                    features = FeaturesOf(photos, pooling, train, seed);
                    speed = photos.Count / watch.Elapsed.TotalSeconds;
                }
                var (known, held) = (View(ml, train, photos, features), View(ml, test, photos, features));
                sdca.Add(Accuracy(ml, known, held, ml.Transforms.NormalizeMeanVariance("Features", fixZero: false)
                    .Append(ml.MulticlassClassification.Trainers.SdcaMaximumEntropy(
                        new SdcaMaximumEntropyMulticlassTrainer.Options { NumberOfThreads = 1, MaximumNumberOfIterations = 100 }))));
                trees.Add(Accuracy(ml, known, held, ml.MulticlassClassification.Trainers.LightGbm(
                    new LightGbmMulticlassTrainer.Options
                    {
                        MinimumExampleCountPerLeaf = 5,
                        NumberOfIterations = 50,
                        NumberOfThreads = 1,
                    })));
            }
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {name} | {features[0].Length} | {Mean(sdca)} | {Mean(trees)} | {speed:0} |"));
        }
        foreach (var (name, pooling) in s_heads)
        {
            Console.WriteLine($"| fine-tuning, `Strategy.HeadOnly`, {name} | | {Mean(Accuracies(pooling, Strategy.HeadOnly))} | | |");
            if (full)
                Console.WriteLine($"| fine-tuning, `Strategy.Full()`, {name} | | {Mean(Accuracies(pooling, Strategy.Full()))} | | |");
        }
        Console.WriteLine();

        double[] Accuracies(HeadPooling pooling, Strategy strategy) =>
            [.. Enumerable.Range(1, seeds).Select(seed => FineTuned(photos, set, seed, pooling, strategy))];
    }

    // Learned: the photos that the pooling learns on; null where it learns nothing.
    private static float[][] FeaturesOf(IReadOnlyList<Photo> photos, FeaturePooling pooling, int[]? learned, int seed = 1)
    {
        var ml = new MLContext(seed);
        var view = ml.Data.LoadFromEnumerable(photos);
        var known = learned is null ? view : ml.Data.LoadFromEnumerable(learned.Select(place => photos[place]));
        using var chain = ml.Transforms.Conversion.MapValueToKey("Label").Append(ml.Transforms.ExtractImageFeatures(
            "Features", "ImagePath", Backbone(), new ImageFeatureOptions { Pooling = pooling })).Fit(known);
        return [.. chain.Transform(view).GetColumn<float[]>("Features")];
    }

    private static double Accuracy(MLContext ml, IDataView train, IDataView test, IEstimator<ITransformer> trainer)
    {
        var chain = ml.Transforms.Conversion.MapValueToKey("Label").Append(trainer).Fit(train);
        return ml.MulticlassClassification.Evaluate(chain.Transform(test)).MicroAccuracy;
    }

    private static double FineTuned(IReadOnlyList<Photo> photos, string set, int seed, HeadPooling pooling, Strategy strategy)
    {
        var ml = new MLContext(seed);
        var (train, test) = Split(photos, set, seed);
        using var chain = ml.Transforms.Conversion.MapValueToKey("Label").Append(ml.MulticlassClassification.Trainers.FineTuneImages(
            new ImageFineTuningOptions
            {
                Backbone = Backbone(),
                Pooling = pooling,
                Strategy = strategy,
                Augmentation = Augmentation.None,
                LearningRate = strategy == Strategy.HeadOnly ? 5e-3f : 1e-3f,
                Epochs = 20,
            })).Fit(ml.Data.LoadFromEnumerable(train.Select(place => photos[place])));
        var scored = chain.Transform(ml.Data.LoadFromEnumerable(test.Select(place => photos[place])));
        return ml.MulticlassClassification.Evaluate(scored).MicroAccuracy;
    }

    private static Backbone Backbone() => MlNetFineTune.Backbone.FromName(s_network)
        .WithWeights(SharedFiles.Require($"weights/{s_network}.safetensors"));

    private static IDataView View(MLContext ml, int[] places, IReadOnlyList<Photo> photos, float[][] features)
    {
        var schema = SchemaDefinition.Create(typeof(Row));
        schema["Features"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, features[0].Length);
        return ml.Data.LoadFromEnumerable(
            places.Select(place => new Row { Label = photos[place].Label, Features = features[place] }).ToArray(), schema);
    }

    private static (int[] Train, int[] Test) Split(IReadOnlyList<Photo> photos, string set, int seed)
    {
        var random = new Random(seed);
        int[] train = [.. Enumerable.Range(0, photos.Count).Where(place => !photos[place].IsTest)];
        random.Shuffle(train);
        if (set == "deck-cracks")
            return (train[..DeckTrain], train[DeckTrain..]);
        return (train[..(train.Length * 4 / 5)], [.. Enumerable.Range(0, photos.Count).Where(place => photos[place].IsTest)]);
    }

    private static IReadOnlyList<Photo> PhotosOf(string set) => set switch
    {
        "deck-cracks" => [.. Below(set, isTest: false)],
        "cifar10" =>
        [
            .. Few(Below("cifar10/train", isTest: false), CifarTrain), .. Few(Below("cifar10/test", isTest: true), CifarTest),
        ],
        _ => [.. Below($"{set}/train", isTest: false), .. Below($"{set}/val", isTest: true)],
    };

    // As many of each class.
    private static IEnumerable<Photo> Few(IReadOnlyList<Photo> photos, int count)
    {
        var classes = photos.GroupBy(photo => photo.Label).ToList();
        return classes.SelectMany(photos => photos.Take(count / classes.Count));
    }

    private static List<Photo> Below(string folder, bool isTest) =>
    [
        .. Directory.EnumerateFiles(SharedFiles.Require($"data/{folder}"), "*.jpg", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal)
            .Select(path => new Photo { ImagePath = path, Label = Path.GetFileName(Path.GetDirectoryName(path)!), IsTest = isTest }),
    ];

    private static string Mean(IReadOnlyList<double> values)
    {
        var mean = values.Average();
        var deviation = values.Count > 1 ? Math.Sqrt(values.Sum(value => Math.Pow(value - mean, 2)) / (values.Count - 1)) : double.NaN;
        return string.Create(CultureInfo.InvariantCulture, $"{mean:0.000} ({deviation:0.000})");
    }

    private sealed class Photo
    {
        public string ImagePath { get; set; } = "";

        public string Label { get; set; } = "";

        public bool IsTest { get; set; }
    }

    private sealed class Row
    {
        public string Label { get; set; } = "";

        public float[] Features { get; set; } = [];
    }
}
