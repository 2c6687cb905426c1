using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.ML;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Accuracy and CPU time of trainings from shrunk photos: ants-bees and flowers, all of MobileNetV1 0.25 with crop and flip, by the longest
/// side that <see cref="PictureCache"/> keeps. Each training in its own process, with an empty cache.
/// </summary>
internal static class PictureCacheStudy
{
    public const string Name = "picture-cache-study";

    public const string Usage = $"{Name} [ants-bees|flowers ...] [--seeds N] [--quick]";

    private const string One = "--one";
    private const string None = "none";

    private static readonly string[] s_sets = ["ants-bees", "flowers"];
    private static readonly string[] s_sides = [None, "256", "400"];

    public static int Run(IReadOnlyList<string> arguments)
    {
        if (arguments is [One, var set, var side, var seed])
        {
            Console.WriteLine(JsonSerializer.Serialize(Train(set, side, int.Parse(seed, CultureInfo.InvariantCulture))));
            return 0;
        }
        var quick = arguments.Contains("--quick");
        var seeds = quick ? 1 : EntityStudy.After(arguments, "--seeds") ?? 3;
        string[] chosen = [.. s_sets.Where(arguments.Contains)];
        Console.WriteLine($"{MlNet.Processor.Current}; {seeds} seeds: mean (standard deviation)\n");
        Console.WriteLine("| photos | longest side kept | accuracy | log loss | CPU seconds |");
        Console.WriteLine("|---|---|---|---|---|");
        foreach (var name in chosen.Length > 0 ? chosen : quick ? ["ants-bees"] : s_sets)
        {
            foreach (var one in s_sides)
            {
                List<Result> results = [.. Enumerable.Range(1, seeds).Select(number =>
                    StudyProcess.Run<Result>(Name, One, name, one, $"{number}"))];
                Console.WriteLine($"| {name} | {one} | {StudyMean.Of(results, result => result.Accuracy)} | "
                    + $"{StudyMean.Of(results, result => result.LogLoss)} | {StudyMean.Of(results, result => result.CpuSeconds, "0")} |");
            }
        }
        return 0;
    }

    private static Result Train(string set, string side, int seed)
    {
        var photos = SharedFiles.Require($"data/{set}");
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var ml = new MLContext(seed);
            var train = ml.Data.LoadImageFolder(Path.Combine(photos, "train"));
            var keys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(train);
            var cpu = Process.GetCurrentProcess().TotalProcessorTime;
            using var model = ml.MulticlassClassification.Trainers.FineTuneImages(new ImageFineTuningOptions
            {
                Backbone = SharedFiles.MobileNetV1Quarter(),
                PictureCache = side == None ? PictureCache.None
                    : PictureCache.InFolder(folder.FullName, int.Parse(side, CultureInfo.InvariantCulture)),
            }).Fit(keys.Transform(train));
            var seconds = (Process.GetCurrentProcess().TotalProcessorTime - cpu).TotalSeconds;
            var metrics = ml.MulticlassClassification.Evaluate(
                model.Transform(keys.Transform(ml.Data.LoadImageFolder(Path.Combine(photos, "val")))));
            return new Result(metrics.MicroAccuracy, metrics.LogLoss, seconds);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private sealed record Result(double Accuracy, double LogLoss, double CpuSeconds);
}
