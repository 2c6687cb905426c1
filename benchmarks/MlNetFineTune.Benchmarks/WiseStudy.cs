using System.Globalization;
using Microsoft.ML;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Effect of <see cref="WeightAveraging.WiseFt"/>: accuracy on the test photos and on eight corruptions of them, of a new head, of
/// <see cref="Strategy.ProbeThenFull"/>, and of the same with WiSE-FT. The share is chosen on uncorrupted validation photos.
/// </summary>
internal static class WiseStudy
{
    public const string Name = "wise-study";

    public const string Usage = $"{Name} [--seeds N] [--quick]";

    public static int Run(IReadOnlyList<string> arguments)
    {
        var quick = arguments.Contains("--quick");
        var seeds = quick ? 1 : arguments is ["--seeds", var count] ? int.Parse(count, CultureInfo.InvariantCulture) : 3;
        var sets = quick ? ["ants-bees"] : (string[])["ants-bees", "flowers"];
        var corruptions = Corruption.All.Take(quick ? 1 : Corruption.All.Count).ToList();
        Console.WriteLine($"MobileNetV1 0.25, {seeds} seeds; accuracy on the photos of val: mean (standard deviation)\n");
        Console.WriteLine(
            $"| photos | training | as they are | corrupted, mean | {string.Join(" | ", corruptions.Select(one => one.Name))} | "
            + "share of the fine-tuned |");
        Console.WriteLine($"|---|---|---|---|{string.Concat(corruptions.Select(_ => "---|"))}---|");
        foreach (var set in sets)
            Study(set, corruptions, seeds, epochs: quick ? 2 : 10);
        return 0;
    }

    private static void Study(string set, List<Corruption> corruptions, int seeds, int epochs)
    {
        var photos = SharedFiles.Require($"data/{set}");
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            string[] tests = [Path.Combine(photos, "val"), .. corruptions.Select((one, i) =>
                Corrupt(one, Path.Combine(photos, "val"), Path.Combine(folder.FullName, $"{i}")))];
            (string Name, Strategy Strategy, WeightAveraging Averaging)[] trainings =
            [
                ("head", Strategy.HeadOnly, WeightAveraging.None),
                ("head, then full", Strategy.ProbeThenFull(), WeightAveraging.None),
                ("the same, WiSE-FT", Strategy.ProbeThenFull(), WeightAveraging.WiseFt()),
            ];
            foreach (var (name, strategy, averaging) in trainings)
            {
                var accuracies = new List<double[]>();
                var shares = new List<string>();
                for (var seed = 1; seed <= seeds; seed++)
                {
                    var ml = new MLContext(seed);
                    var train = ml.Data.LoadImageFolder(Path.Combine(photos, "train"));
                    var keys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(train);
                    using var model = ml.MulticlassClassification.Trainers.FineTuneImages(new ImageFineTuningOptions
                    {
                        Backbone = SharedFiles.MobileNetV1Quarter(),
                        Strategy = strategy,
                        Augmentation = Augmentation.Light,
                        WeightAveraging = averaging,
                        Epochs = epochs,
                    }).Fit(keys.Transform(train));
                    accuracies.Add([.. tests.Select(test => ml.MulticlassClassification.Evaluate(
                        model.Transform(keys.Transform(ml.Data.LoadImageFolder(test)))).MicroAccuracy)]);
                    shares.Add(model.Report!.Averaged is { } average
                        ? average.Shares[1].ToString("0.0", CultureInfo.InvariantCulture)
                        : $"epoch {model.Report.BestEpoch}");
                }
                Print(set, name, accuracies, shares);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Corrupt(Corruption corruption, string from, string to)
    {
        foreach (var (seed, photo) in Directory.EnumerateFiles(from, "*.jpg", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal).Index())
        {
            var path = Path.Combine(to, Path.GetRelativePath(from, photo));
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            corruption.Write(photo, path, seed);
        }
        return to;
    }

    private static void Print(string set, string name, List<double[]> accuracies, List<string> shares)
    {
        string[] cells =
        [
            Mean([.. accuracies.Select(one => one[0])]),
            Mean([.. accuracies.Select(one => one.Skip(1).Average())]),
            .. Enumerable.Range(1, accuracies[0].Length - 1).Select(place =>
                accuracies.Average(one => one[place]).ToString("0.000", CultureInfo.InvariantCulture)),
        ];
        Console.WriteLine($"| {set} | {name} | {string.Join(" | ", cells)} | {string.Join(", ", shares)} |");
    }

    private static string Mean(double[] values)
    {
        var mean = values.Average();
        var deviation = Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / Math.Max(1, values.Length - 1));
        return string.Create(CultureInfo.InvariantCulture, $"{mean:0.000} ({deviation:0.000})");
    }
}
