using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using Microsoft.ML.Trainers.LightGbm;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Accuracy of fine-tuning MiniLM on texts by strategy, CPU seconds and peak memory of the process: sentences of film reviews (every
/// third row of SST-2's training set), issues with 22 areas, and comments of Wikipedia (250, in five folds). Beside it ML.NET's own text
/// features.
/// <c>recipe</c> is that of <c>benchmarks/pytorch/text.py</c>.
/// </summary>
internal static class TextStudy
{
    public const string Name = "text-study";

    public const string Usage = $"{Name} [sst2|issues|detox ...] [--seeds N] [--only BEGINNING] [--quick]";

    // A training in its own process: set, name of the training, seed.
    private const string One = "--one";

    private const float HeadRate = 1e-3f, BodyRate = 5e-5f;

    private const int Folds = 5;

    private static readonly string[] s_sets = ["sst2", "issues", "detox"];

    private static readonly (string Name, Func<MLContext, IEstimator<ITransformer>> Create)[] s_trainings =
    [
        ("ML.NET: FeaturizeText, SDCA", ml => Words(ml).Append(Sdca(ml))),
        ("ML.NET: FeaturizeText, LightGBM", ml => Words(ml).Append(LightGbm(ml))),
        ("ExtractTextFeatures, SDCA", ml => Features(ml, new TextFeatureOptions()).Append(Sdca(ml))),
        ("ExtractTextFeatures, NormalizeMeanVariance, SDCA", ml => Features(ml, new TextFeatureOptions())
            .Append(ml.Transforms.NormalizeMeanVariance("Features", fixZero: false)).Append(Sdca(ml))),
        ("ExtractTextFeatures, Normalize = false, SDCA", ml => Features(ml, new TextFeatureOptions { Normalize = false }).Append(Sdca(ml))),
        ("ExtractTextFeatures, LightGBM", ml => Features(ml, new TextFeatureOptions()).Append(LightGbm(ml))),
        ("head", FineTune(Base with { Strategy = Strategy.HeadOnly, Epochs = 30, LearningRate = 3e-3f })),
        ("default", FineTune(Base)),
        ("recipe", FineTune(Base with
        {
            Strategy = Strategy.Custom(name => name.StartsWith("classifier.", StringComparison.Ordinal) ? 1 : BodyRate / HeadRate),
            LearningRate = HeadRate,
            Optimizer = Optimizer.AdamW(weightDecay: 0),
            Schedule = LearningRateSchedule.Linear(warmup: 0),
            MaximumLength = 64,
            Epochs = 2,
            Validation = ValidationData.None,
        })),
        ("LoRA", FineTune(Base with { Adapter = Adapter.Lora(targets: ["query", "value"]), Strategy = Strategy.Full(1), Epochs = 4 })),
    ];

    private static TextFineTuningOptions Base => new() { Backbone = Backbone };

    public static TextBackbone Backbone => TextBackbone.FromFolder(SharedFiles.Require("weights/all-MiniLM-L6-v2"));

    public static int Run(IReadOnlyList<string> arguments)
    {
        var quick = arguments.Contains("--quick");
        if (arguments is [One, var one, var training, var number, ..])
        {
            Console.WriteLine(JsonSerializer.Serialize(Train(one, training, int.Parse(number, CultureInfo.InvariantCulture), quick)));
            return 0;
        }
        var seeds = After(arguments, "--seeds") is { } count ? int.Parse(count, CultureInfo.InvariantCulture) : quick ? 1 : 3;
        var only = After(arguments, "--only");
        string[] asked = [.. s_sets.Where(arguments.Contains)];
        string[] sets = asked.Length > 0 ? asked : s_sets;
        Console.WriteLine($"all-MiniLM-L6-v2, {seeds} seeds: mean (standard deviation)\n");
        Console.WriteLine("| texts | training | accuracy | macro F1 | CPU seconds | peak MB |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (var set in sets)
        {
            foreach (var (name, _) in s_trainings.Where(known => only is null || known.Name.StartsWith(only, StringComparison.Ordinal)))
                Print(set, name, [.. Enumerable.Range(1, seeds).Select(seed => StudyProcess.Run<Result>(
                    [Name, One, set, name, seed.ToString(CultureInfo.InvariantCulture), .. quick ? ["--quick"] : Array.Empty<string>()]))]);
        }
        return 0;
    }

    private static Result Train(string set, string training, int seed, bool quick)
    {
        var create = s_trainings.Single(known => known.Name == training).Create;
        var ml = new MLContext(seed);
        var folds = Load(ml, set, quick).Select(fold =>
        {
            var model = create(ml).Fit(fold.Train);
            using var owned = model as IDisposable; // native memory
            return Evaluate(ml, model.Transform(fold.Test));
        }).ToList();
        using var process = Process.GetCurrentProcess();
        return new Result(
            folds.Average(fold => fold.Accuracy), folds.Average(fold => fold.F1), process.TotalProcessorTime.TotalSeconds,
            process.PeakWorkingSet64 / 1048576.0);
    }

    private static Func<MLContext, IEstimator<ITransformer>> FineTune(TextFineTuningOptions options) =>
        ml => ml.MulticlassClassification.Trainers.FineTuneText(options);

    private static IEstimator<ITransformer> Words(MLContext ml) => ml.Transforms.Text.FeaturizeText("Features", "Text");

    // The network runs once for each text.
    private static IEstimator<ITransformer> Features(MLContext ml, TextFeatureOptions options) =>
        ml.Transforms.ExtractTextFeatures("Features", "Text", Backbone, options).AppendCacheCheckpoint(ml);

    // With more threads, results differ from run to run.
    private static SdcaMaximumEntropyMulticlassTrainer Sdca(MLContext ml) => ml.MulticlassClassification.Trainers.SdcaMaximumEntropy(
        new SdcaMaximumEntropyMulticlassTrainer.Options { NumberOfThreads = 1 });

    private static LightGbmMulticlassTrainer LightGbm(MLContext ml) => ml.MulticlassClassification.Trainers.LightGbm(
        new LightGbmMulticlassTrainer.Options { NumberOfThreads = 1 });

    public static (double Accuracy, double F1) Evaluate(MLContext ml, IDataView scored)
    {
        var metrics = ml.MulticlassClassification.Evaluate(scored);
        return (metrics.MicroAccuracy, metrics.F1().Macro);
    }

    // The splits of the reference: no chance, rows counted from 0.
    public static IReadOnlyList<(IDataView Train, IDataView Test)> Load(MLContext ml, string set, bool quick) =>
    [
        .. Splits(set).Take(quick ? 1 : Folds).Select(split =>
        {
            var train = ml.Data.LoadFromEnumerable(quick ? split.Train.Take(200) : split.Train);
            var keys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(train);
            return (keys.Transform(train), keys.Transform(ml.Data.LoadFromEnumerable(quick ? split.Test.Take(100) : split.Test)));
        }),
    ];

    private static IEnumerable<(List<Row> Train, List<Row> Test)> Splits(string set) => set switch
    {
        "sst2" => [([.. Sentences("data/text/sst2/train.tsv").Where((_, index) => index % 3 == 0)], Sentences("data/text/sst2/test.tsv"))],
        "issues" => [Fold(Issues("data/text/corefx-issues.tsv"), Folds - 1)],
        _ => Enumerable.Range(0, Folds).Select(fold => Fold([.. Sentences("data/text/wikipedia-detox-250.tsv").Skip(1)], fold)),
    };

    private static (List<Row> Train, List<Row> Test) Fold(List<Row> rows, int fold) =>
        ([.. rows.Where((_, index) => index % Folds != fold)], [.. rows.Where((_, index) => index % Folds == fold)]);

    public static List<Row> Sentences(string path) => [.. File.ReadLines(SharedFiles.Require(path))
        .Select(line => line.Split('\t', 2)).Select(parts => new Row { Label = parts[0], Text = parts[1] })];

    public static List<Row> Issues(string path) => [.. File.ReadLines(SharedFiles.Require(path)).Skip(1)
        .Select(line => line.Split('\t')).Select(parts => new Row { Label = parts[1], Text = $"{parts[2]} {parts[3]}" })];

    private static void Print(string set, string name, IReadOnlyList<Result> runs) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {set} | {name} | {Mean([.. runs.Select(run => run.Accuracy)])} | {Mean([.. runs.Select(run => run.F1)])} | "
            + $"{runs.Average(run => run.CpuSeconds):0} | {runs.Max(run => run.PeakMegabytes):0} |"));

    private static string Mean(double[] values)
    {
        var mean = values.Average();
        var deviation = Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / Math.Max(1, values.Length - 1));
        return string.Create(CultureInfo.InvariantCulture, $"{mean:0.000} ({deviation:0.000})");
    }

    private static string? After(IReadOnlyList<string> arguments, string name) =>
        arguments.Index().FirstOrDefault(argument => argument.Item == name) is (var index, not null) && index + 1 < arguments.Count
            ? arguments[index + 1]
            : null;

    /// <param name="Accuracy">Fraction of the rows; of folds the mean.</param>
    /// <param name="F1">Mean over the classes.</param>
    /// <param name="CpuSeconds">Of the process, loading and scoring included.</param>
    /// <param name="PeakMegabytes">Resident memory of the process.</param>
    private sealed record Result(double Accuracy, double F1, double CpuSeconds, double PeakMegabytes);

    public sealed class Row
    {
        public string Label { get; set; } = "";

        public string Text { get; set; } = "";
    }
}
