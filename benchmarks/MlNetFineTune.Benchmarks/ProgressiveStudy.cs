using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.ML;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Accuracy and CPU time of trainings whose first epochs are at 160 pixels and the last at 224 (<see cref="ProgressiveResizing"/>), against
/// 224 pixels throughout. Each in its own process.
/// </summary>
internal static class ProgressiveStudy
{
    public const string Name = "progressive-study";

    public const string Usage = $"{Name} [ants-bees|flowers ...] [--mobilenetv2] [--epochs N] [--seeds N] [--quick]";

    private const string One = "--one";
    private const string Larger = "--mobilenetv2";
    private static readonly string[] s_sets = ["ants-bees", "flowers"];

    public static int Run(IReadOnlyList<string> arguments)
    {
        if (arguments is [One, var set, var network, var all, var last, var seed])
        {
            Console.WriteLine(JsonSerializer.Serialize(Train(set, network == Larger, Number(all), Number(last), Number(seed))));
            return 0;
        }
        var quick = arguments.Contains("--quick");
        var seeds = quick ? 1 : EntityStudy.After(arguments, "--seeds") ?? 3;
        var total = EntityStudy.After(arguments, "--epochs") ?? (quick ? 2 : 10);
        var networkArgument = arguments.Contains(Larger) ? Larger : "small";
        string[] chosen = [.. s_sets.Where(arguments.Contains)];
        Console.WriteLine($"{MlNet.Processor.Current}; {networkArgument}; {seeds} seeds: mean (standard deviation)\n");
        Console.WriteLine("| photos | epochs at 160 px | at 224 px | accuracy | log loss | CPU seconds of fitting | times faster |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (var name in chosen.Length > 0 ? chosen : quick ? ["ants-bees"] : s_sets)
        {
            var whole = 0.0;
            foreach (var epochs in (int[])[total, .. Enumerable.Range(1, Math.Min(3, total - 1))])
            {
                List<Result> results = [.. Enumerable.Range(1, seeds).Select(number =>
                    StudyProcess.Run<Result>(Name, One, name, networkArgument, $"{total}", $"{epochs}", $"{number}"))];
                var seconds = results.Average(result => result.CpuSeconds);
                whole = epochs == total ? seconds : whole;
                Console.WriteLine($"| {name} | {total - epochs} | {epochs} | {StudyMean.Of(results, result => result.Accuracy)} | "
                    + $"{StudyMean.Of(results, result => result.LogLoss)} | {StudyMean.Of(results, result => result.CpuSeconds, "0")} | "
                    + string.Create(CultureInfo.InvariantCulture, $"{whole / seconds:0.00} |"));
            }
        }
        return 0;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static Result Train(string set, bool isLarger, int epochs, int last, int seed)
    {
        var photos = SharedFiles.Require($"data/{set}");
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var ml = new MLContext(seed);
            var train = ml.Data.LoadImageFolder(Path.Combine(photos, "train"));
            var keys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(train);
            var rows = keys.Transform(train);
            var options = new ImageFineTuningOptions
            {
                Backbone = isLarger ? SharedFiles.MobileNetV2() : SharedFiles.MobileNetV1Quarter(),
                PictureCache = PictureCache.InFolder(folder.FullName, 400),
                Epochs = epochs,
                ProgressiveResizing = last == epochs ? null : new() { FullSizeEpochs = last },
            };
            var cpu = Process.GetCurrentProcess().TotalProcessorTime;
            using var model = ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(rows);
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
