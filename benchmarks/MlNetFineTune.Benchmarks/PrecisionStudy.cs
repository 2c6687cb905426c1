using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.ML;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Accuracy and duration of trainings by <see cref="Precision"/>: photos of ants and bees and of flowers with MobileNetV2 (all of it, crop
/// and flip), and every third sentence of SST-2 with MiniLM. Each training in its own process.
/// </summary>
internal static class PrecisionStudy
{
    public const string Name = "precision-study";

    public const string Usage = $"{Name} [ants-bees|flowers|sst2 ...] [--seeds N] [--quick]";

    private const string One = "--one";

    private static readonly string[] s_sets = ["ants-bees", "flowers", "sst2"];

    public static int Run(IReadOnlyList<string> arguments)
    {
        if (arguments is [One, var set, var precision, var seed])
        {
            Console.WriteLine(JsonSerializer.Serialize(
                Train(set, Enum.Parse<Precision>(precision), int.Parse(seed, CultureInfo.InvariantCulture))));
            return 0;
        }
        var quick = arguments.Contains("--quick");
        var seeds = quick ? 1 : EntityStudy.After(arguments, "--seeds") ?? 3;
        string[] chosen = [.. s_sets.Where(arguments.Contains)];
        Console.WriteLine($"{MlNet.Processor.Current}; {seeds} seeds: mean (standard deviation)\n");
        Console.WriteLine("| data | precision | accuracy | log loss | seconds of fitting | CPU seconds |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (var name in chosen.Length > 0 ? chosen : quick ? ["ants-bees"] : s_sets)
        {
            foreach (var one in (Precision[])[Precision.Float32, Precision.BFloat16])
            {
                List<Result> results = [.. Enumerable.Range(1, seeds).Select(number =>
                    StudyProcess.Run<Result>(Name, One, name, $"{one}", $"{number}"))];
                Console.WriteLine($"| {name} | {one} | {StudyMean.Of(results, result => result.Accuracy)} | "
                    + $"{StudyMean.Of(results, result => result.LogLoss)} | {StudyMean.Of(results, result => result.Seconds, "0")} | "
                    + $"{StudyMean.Of(results, result => result.CpuSeconds, "0")} |");
            }
        }
        return 0;
    }

    private static Result Train(string set, Precision precision, int seed)
    {
        var ml = new MLContext(seed);
        var (train, test) = set == "sst2" ? Sentences(ml) : Photos(ml, set);
        var keys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(train);
        var catalog = ml.MulticlassClassification.Trainers;
        IEstimator<ITransformer> trainer = set == "sst2"
            ? catalog.FineTuneText(new TextFineTuningOptions { Backbone = TextStudy.Backbone, Epochs = 2, Precision = precision })
            : catalog.FineTuneImages(new ImageFineTuningOptions
            {
                Backbone = SharedFiles.MobileNetV2(),
                Augmentation = Augmentation.Light,
                Epochs = 4,
                Precision = precision,
            });
        var (watch, cpu) = (Stopwatch.StartNew(), Process.GetCurrentProcess().TotalProcessorTime);
        var model = trainer.Fit(keys.Transform(train));
        using var owned = (IDisposable)model;
        var seconds = watch.Elapsed.TotalSeconds;
        var cpuSeconds = (Process.GetCurrentProcess().TotalProcessorTime - cpu).TotalSeconds;
        var metrics = ml.MulticlassClassification.Evaluate(model.Transform(keys.Transform(test)));
        return new Result(metrics.MicroAccuracy, metrics.LogLoss, seconds, cpuSeconds);
    }

    private static (IDataView Train, IDataView Test) Photos(MLContext ml, string set)
    {
        var folder = SharedFiles.Require($"data/{set}");
        return (ml.Data.LoadImageFolder(Path.Combine(folder, "train")), ml.Data.LoadImageFolder(Path.Combine(folder, "val")));
    }

    private static (IDataView Train, IDataView Test) Sentences(MLContext ml)
    {
        return (Load("train.tsv", every: 3), Load("test.tsv", every: 1));

        IDataView Load(string file, int every) => ml.Data.LoadFromEnumerable(
            File.ReadLines(SharedFiles.Require($"data/text/sst2/{file}")).Where((_, index) => index % every == 0)
                .Select(line => line.Split('\t', 2)).Select(cells => new Row { Label = cells[0], Text = cells[1] }).ToList());
    }

    private sealed record Result(double Accuracy, double LogLoss, double Seconds, double CpuSeconds);

    private sealed class Row
    {
        public string Label { get; set; } = "";

        public string Text { get; set; } = "";
    }
}
