using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.ML;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Accuracy and CPU time of trainings at 160 pixels whose last epochs are at 224, as in FixRes (Touvron et al. 2019,
/// https://arxiv.org/abs/1906.06423), against 224 pixels throughout: two trainings, of which the second continues with the model of the
/// first at the learning rates that one cosine over all epochs would have. Each in its own process.
/// </summary>
internal static class ProgressiveStudy
{
    public const string Name = "progressive-study";

    public const string Usage = $"{Name} [ants-bees|flowers ...] [--mobilenetv2] [--seeds N] [--quick]";

    private const string One = "--one";
    private const string Larger = "--mobilenetv2";
    private const int Epochs = 10;
    private const int Small = 160;

    private static readonly string[] s_sets = ["ants-bees", "flowers"];

    // Epochs at 224 pixels.
    private static readonly int[] s_last = [Epochs, 1, 2, 3];

    public static int Run(IReadOnlyList<string> arguments)
    {
        if (arguments is [One, var set, var network, var last, var seed])
        {
            Console.WriteLine(JsonSerializer.Serialize(Train(
                set, network == Larger, int.Parse(last, CultureInfo.InvariantCulture), int.Parse(seed, CultureInfo.InvariantCulture))));
            return 0;
        }
        var quick = arguments.Contains("--quick");
        var at = arguments.ToList().IndexOf("--seeds");
        var seeds = quick ? 1 : at >= 0 ? int.Parse(arguments[at + 1], CultureInfo.InvariantCulture) : 3;
        var networkArgument = arguments.Contains(Larger) ? Larger : "small";
        string[] chosen = [.. s_sets.Where(arguments.Contains)];
        Console.WriteLine($"{MlNet.Processor.Current}; {networkArgument}; {seeds} seeds: mean (standard deviation)\n");
        Console.WriteLine("| photos | epochs at 160 px | at 224 px | accuracy | log loss | CPU seconds of fitting | times faster |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (var name in chosen.Length > 0 ? chosen : quick ? ["ants-bees"] : s_sets)
        {
            var whole = 0.0;
            foreach (var epochs in s_last)
            {
                List<Result> results = [.. Enumerable.Range(1, seeds).Select(number =>
                    StudyProcess.Run<Result>(Name, One, name, networkArgument, $"{epochs}", $"{number}"))];
                var seconds = results.Average(result => result.CpuSeconds);
                whole = epochs == Epochs ? seconds : whole;
                Console.WriteLine($"| {name} | {Epochs - epochs} | {epochs} | {StudyMean.Of(results, result => result.Accuracy)} | "
                    + $"{StudyMean.Of(results, result => result.LogLoss)} | {StudyMean.Of(results, result => result.CpuSeconds, "0")} | "
                    + string.Create(CultureInfo.InvariantCulture, $"{whole / seconds:0.00} |"));
            }
        }
        return 0;
    }

    private static Result Train(string set, bool isLarger, int last, int seed)
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
                Epochs = Epochs,
            };
            var cpu = Process.GetCurrentProcess().TotalProcessorTime;
            using var model = last == Epochs ? Fit(options) : FitTwice();
            var seconds = (Process.GetCurrentProcess().TotalProcessorTime - cpu).TotalSeconds;
            var metrics = ml.MulticlassClassification.Evaluate(
                model.Transform(keys.Transform(ml.Data.LoadImageFolder(Path.Combine(photos, "val")))));
            return new Result(metrics.MicroAccuracy, metrics.LogLoss, seconds);

            FineTuningTransformer FitTwice()
            {
                using var first = Fit(options with { Backbone = Sized(options.Backbone, Small), Epochs = Epochs - last });
                return Fit(options with
                {
                    Backbone = Sized(Backbone.FromModel(first), 224),
                    Epochs = last,
                    LearningRate = options.LearningRate * (1 + MathF.Cos(MathF.PI * (Epochs - last) / Epochs)) / 2,
                    Schedule = LearningRateSchedule.Cosine(warmup: 0),
                });
            }

            FineTuningTransformer Fit(ImageFineTuningOptions its) => ml.MulticlassClassification.Trainers.FineTuneImages(its).Fit(rows);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static Backbone Sized(Backbone backbone, int size) =>
        backbone with { Preprocessing = backbone.Preprocessing with { Size = size } };

    private sealed record Result(double Accuracy, double LogLoss, double CpuSeconds);
}
