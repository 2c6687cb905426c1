using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// How many labels each <see cref="LabelingStrategy"/> saves against random choice: features of MobileNetV1 0.25 with real weights, on them
/// ML.NET's L-BFGS maximum entropy classifier. A seed splits all photos into 100 for testing and the pool, of which 10 random ones are
/// labelled at first; each round trains, ranks the pool and labels 10 more. A seed's curve is the mean of five first choices, which are
/// the same for every strategy. The labels that a strategy needs for an accuracy are read from the mean curve of all seeds, made monotone;
/// intervals are of the bootstrap over the seeds.
/// </summary>
internal static class LabelStudy
{
    public const string Name = "label-study";

    public const string Usage = $"{Name} [--seeds N] [--data flowers,ants-bees,deck-cracks,cifar10] [--quick]";

    private const int Test = 100, First = 10, Round = 10, Last = 200, Draws = 5, Resamples = 1000;

    private static readonly int[] s_targets = [40, 60, 80, 100, 120, 150];

    private static readonly (string Name, LabelingStrategy? Strategy)[] s_strategies =
    [
        ("random", null),
        ("`Margin`", LabelingStrategy.Margin()),
        ("`CoreSet`", LabelingStrategy.CoreSet()),
        ("`DiverseMargin(candidates: 2)`", LabelingStrategy.DiverseMargin(candidates: 2)),
        ("`DiverseMargin(candidates: 3)`", LabelingStrategy.DiverseMargin(candidates: 3)),
        ("`DiverseMargin(candidates: 5)`", LabelingStrategy.DiverseMargin(candidates: 5)),
    ];

    public static int Run(IReadOnlyList<string> arguments)
    {
        var seeds = 10;
        string[] sets = ["flowers"];
        for (var i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] == "--quick")
                seeds = 2;
            else if (arguments[i] == "--seeds" && i + 1 < arguments.Count && int.TryParse(arguments[i + 1], out var number) && number > 0)
                (seeds, i) = (number, i + 1);
            else if (arguments[i] == "--data" && i + 1 < arguments.Count)
                (sets, i) = (arguments[i + 1].Split(','), i + 1);
            else
            {
                Console.Error.WriteLine($"'{arguments[i]}' is not understood. Usage: {Usage}");
                return 2;
            }
        }
        foreach (var set in sets)
            Study(set, seeds);
        return 0;
    }

    private static void Study(string set, int seeds)
    {
        var photos = PhotosOf(set);
        var features = FeaturesOf(photos);
        foreach (var (photo, vector) in photos.Zip(features))
            photo.Features = vector;
        int[] sizes = [.. Enumerable.Range(0, (Last - First) / Round + 1).Select(round => First + round * Round)];
        // [strategy][seed][round]
        var curves = s_strategies.Select(strategy => Enumerable.Range(1, seeds).AsParallel().AsOrdered().WithDegreeOfParallelism(2)
            .Select(seed => CurveOf(photos, seed, strategy.Strategy)).ToArray()).ToArray();

        Console.WriteLine(Invariant($"{set}: accuracy on {Test} test photos after so many labels, seeds 1 to {seeds}: mean (sd)\n"));
        int[] shown = [.. sizes.Where(size => size % 20 == 0 || size == First)];
        Console.WriteLine($"| strategy | {string.Join(" | ", shown)} |\n|---|{string.Concat(shown.Select(_ => "---|"))}");
        foreach (var ((name, _), curve) in s_strategies.Zip(curves))
        {
            var cells = shown.Select(size => Mean([.. curve.Select(one => one[Array.IndexOf(sizes, size)])]));
            Console.WriteLine($"| {name} | {string.Join(" | ", cells)} |");
        }
        Console.WriteLine("\nLabels that reach the accuracy of random choice with so many labels (95 % interval); labels saved\n");
        Console.WriteLine(Invariant($"| strategy | {string.Join(" | ", s_targets)} | accuracy, mean of all rounds, above random |"));
        Console.WriteLine($"|---|{string.Concat(s_targets.Select(_ => "---|"))}---|");
        foreach (var ((name, _), curve) in s_strategies.Zip(curves).Skip(1))
        {
            var cells = s_targets.Select(target => Needed(curves[0], curve, sizes, target));
            var gains = curve.Zip(curves[0], (one, random) => one.Average() - random.Average()).ToArray();
            Console.WriteLine($"| {name} | {string.Join(" | ", cells)} | {Mean(gains, "+0.000;-0.000")} |");
        }
        Console.WriteLine();
    }

    private static string Needed(double[][] random, double[][] strategy, int[] sizes, int target)
    {
        int[] all = [.. Enumerable.Range(0, random.Length)];
        var resampling = new Random(1);
        double[] resampled =
        [
            .. Enumerable.Range(0, Resamples).Select(_ => Labels([.. all.Select(_ => resampling.Next(all.Length))])).Order(),
        ];
        var needed = Labels(all);
        return Invariant($"{needed:0} ({resampled[Resamples / 40]:0}–{resampled[^(Resamples / 40)]:0}); {target - needed:+0;-0;0}");

        double Labels(int[] seeds)
        {
            var accuracy = MeanCurve(random, seeds)[Array.IndexOf(sizes, target)];
            var curve = MeanCurve(strategy, seeds);
            for (var i = 0; i < curve.Length; i++)
            {
                if (curve[i] >= accuracy)
                    return i == 0 ? sizes[0] : sizes[i] - Round * (curve[i] - accuracy) / (curve[i] - curve[i - 1]);
            }
            return Last;
        }

        static double[] MeanCurve(double[][] curves, int[] seeds) =>
            Rising([.. Enumerable.Range(0, curves[0].Length).Select(round => seeds.Average(seed => curves[seed][round]))]);
    }

    // Isotonic regression by pool adjacent violators: more labels do not lower the expected accuracy, and the first of several crossings
    // of a noisy curve would flatter every strategy.
    private static double[] Rising(double[] curve)
    {
        var blocks = new Stack<(double Mean, int Count)>();
        foreach (var value in curve)
        {
            var block = (Mean: value, Count: 1);
            while (blocks.TryPeek(out var before) && before.Mean >= block.Mean)
            {
                blocks.Pop();
                var count = before.Count + block.Count;
                block = ((before.Mean * before.Count + block.Mean * block.Count) / count, count);
            }
            blocks.Push(block);
        }
        return [.. blocks.Reverse().SelectMany(block => Enumerable.Repeat(block.Mean, block.Count))];
    }

    private static double[] CurveOf(IReadOnlyList<Photo> photos, int seed, LabelingStrategy? strategy)
    {
        int[] order = [.. Enumerable.Range(0, photos.Count)];
        new Random(seed).Shuffle(order);
        Photo[] test = [.. order[..Test].Select(place => photos[place])], rest = [.. order[Test..].Select(place => photos[place])];
        var draws = Enumerable.Range(1, Draws).Select(draw =>
        {
            new Random(seed * 1000 + draw).Shuffle(rest);
            return Learn(photos, test, rest, seed, strategy);
        }).ToArray();
        return [.. Enumerable.Range(0, draws[0].Length).Select(round => draws.Average(curve => curve[round]))];
    }

    private static double[] Learn(IReadOnlyList<Photo> photos, Photo[] test, Photo[] rest, int seed, LabelingStrategy? strategy)
    {
        var ml = new MLContext(seed);
        // Keys and scale are of all photos, for which no label of the pool is needed.
        var all = View(ml, photos);
        var preparation = ml.Transforms.Conversion.MapValueToKey("Label").Append(ml.Transforms.NormalizeMeanVariance(
            "Scaled", "Features", fixZero: false)).Fit(all);
        var held = ml.Data.Cache(preparation.Transform(View(ml, test)), "Label", "Scaled");
        var labeled = rest[..First].ToList();
        var pool = rest[First..].ToList();
        var curve = new List<double>();
        while (true)
        {
            var known = View(ml, labeled);
            var model = ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy(new LbfgsMaximumEntropyMulticlassTrainer.Options
            {
                FeatureColumnName = "Scaled",
                L1Regularization = 0,
                L2Regularization = 1,
                NumberOfThreads = 1,
            }).Fit(preparation.Transform(known));
            curve.Add(ml.MulticlassClassification.Evaluate(model.Transform(held)).MicroAccuracy);
            if (labeled.Count >= Last)
                return [.. curve];
            HashSet<string> next = strategy is null
                ? [.. pool.Take(Round).Select(photo => photo.ImagePath)] // in random order
                : [.. ml.FineTuning.RankForLabeling(model.Transform(preparation.Transform(View(ml, pool))), Round, strategy, known)
                    .Select(suggestion => suggestion.Key)];
            labeled.AddRange(pool.Where(photo => next.Contains(photo.ImagePath)));
            pool.RemoveAll(photo => next.Contains(photo.ImagePath));
        }
    }

    private static float[][] FeaturesOf(IReadOnlyList<Photo> photos)
    {
        var ml = new MLContext(1);
        var view = ml.Data.LoadFromEnumerable(photos.Select(photo => new Picture { ImagePath = photo.ImagePath }));
        using var extractor = ml.Transforms.ExtractImageFeatures("Features", "ImagePath", SharedFiles.MobileNetV1Quarter()).Fit(view);
        return [.. extractor.Transform(view).GetColumn<float[]>("Features")];
    }

    private static IDataView View(MLContext ml, IEnumerable<Photo> photos)
    {
        var rows = photos.ToArray();
        var schema = SchemaDefinition.Create(typeof(Photo));
        schema["Features"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, rows[0].Features.Length);
        return ml.Data.LoadFromEnumerable(rows, schema);
    }

    private static List<Photo> PhotosOf(string set)
    {
        var photos = Directory.EnumerateFiles(SharedFiles.Require($"data/{set}"), "*.jpg", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal)
            .Select(path => new Photo { ImagePath = path, Label = Path.GetFileName(Path.GetDirectoryName(path)!) });
        return set == "cifar10" ? [.. photos.GroupBy(photo => photo.Label).SelectMany(ofClass => ofClass.Take(100))] : [.. photos];
    }

    private static string Mean(double[] values, string format = "0.000")
    {
        var mean = values.Average();
        var deviation = Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / Math.Max(1, values.Length - 1));
        return $"{mean.ToString(format, CultureInfo.InvariantCulture)} ({deviation.ToString("0.000", CultureInfo.InvariantCulture)})";
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    private sealed class Picture
    {
        public string ImagePath { get; set; } = "";
    }

    private sealed class Photo
    {
        public string ImagePath { get; set; } = "";

        public string Label { get; set; } = "";

        public float[] Features { get; set; } = [];
    }
}
