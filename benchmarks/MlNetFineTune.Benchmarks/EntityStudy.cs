using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Entities of CoNLL-2003 by MiniLM: every tenth sentence of the training file (1,405), evaluated on every sixth of the others (542 and
/// 576). The recipe is that of the reference in PyTorch: all weights at 5e-5, the head at 1e-3, linear to zero, batches of 32, windows of
/// 64 tokens.
/// </summary>
internal static class EntityStudy
{
    public const string Name = "entity-study";

    public const string Usage = $"{Name} [recipe|recipe-iob1|default|default-iob1|LoRA|head ...] [--epochs N] [--seeds N] [--quick]";

    private const float HeadRate = 1e-3f, BodyRate = 5e-5f;

    private static readonly LearningTask s_iob1 = LearningTask.TokenClassification(LabelScheme.Iob1);

    private static (string Name, TextFineTuningOptions Options)[] Trainings =>
    [
        ("recipe", Recipe),
        ("recipe-iob1", Recipe with { Task = s_iob1 }), // the labels of the files, as in the reference
        ("default", Base),
        ("default-iob1", Base with { Task = s_iob1 }),
        ("LoRA", Base with { Adapter = Adapter.Lora(targets: ["query", "value"]), Strategy = Strategy.Full(1) }),
        ("head", Base with { Strategy = Strategy.HeadOnly, LearningRate = 3e-3f }),
    ];

    private static TextFineTuningOptions Recipe => Base with
    {
        Strategy = Strategy.Custom(name => name.StartsWith("classifier.", StringComparison.Ordinal) ? 1 : BodyRate / HeadRate),
        LearningRate = HeadRate,
        Optimizer = Optimizer.AdamW(weightDecay: 0),
        Schedule = LearningRateSchedule.Linear(warmup: 0),
        MaximumLength = 64,
        Epochs = 1,
    };

    private static TextFineTuningOptions Base => new()
    {
        Backbone = TextBackbone.FromFolder(SharedFiles.Require("weights/all-MiniLM-L6-v2")),
        Task = LearningTask.TokenClassification(),
        TextColumnName = nameof(Sentence.Words),
        LabelColumnName = nameof(Sentence.Tags),
        Validation = ValidationData.None,
    };

    public static int Run(IReadOnlyList<string> arguments)
    {
        var quick = arguments.Contains("--quick");
        var seeds = After(arguments, "--seeds") ?? 1;
        Console.WriteLine($"all-MiniLM-L6-v2 on CoNLL-2003, {seeds} seeds: mean (standard deviation)\n");
        Console.WriteLine("| training | epochs | entity F1, valid | strict | entity F1, test | strict | word accuracy, test | seconds |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|");
        var chosen = Trainings.Where(training => arguments.Contains(training.Name)).ToList();
        foreach (var (name, options) in chosen.Count > 0 ? chosen : [.. Trainings])
        {
            var trained = options with { Epochs = After(arguments, "--epochs") ?? options.Epochs };
            var runs = Enumerable.Range(1, seeds).Select(seed => Train(new MLContext(seed), trained, quick)).ToArray();
            Console.WriteLine(
                $"| {name} | {trained.Epochs} | {Mean(runs, run => run.Valid.EntityF1)} | {Mean(runs, run => run.Valid.StrictEntityF1)}"
                + $" | {Mean(runs, run => run.Test.EntityF1)} | {Mean(runs, run => run.Test.StrictEntityF1)}"
                + $" | {Mean(runs, run => run.Test.WordAccuracy)}"
                + $" | {runs.Average(run => run.Seconds).ToString("0", CultureInfo.InvariantCulture)} |");
        }
        return 0;
    }

    private static (TokenClassificationMetrics Valid, TokenClassificationMetrics Test, double Seconds) Train(
        MLContext ml, TextFineTuningOptions options, bool quick)
    {
        var train = Read("train.txt", every: quick ? 100 : 10);
        var watch = Stopwatch.StartNew();
        using var model = ml.FineTuning.FineTuneText(options).Fit(ml.Data.LoadFromEnumerable(train));
        return (Evaluate("valid.txt"), Evaluate("test.txt"), watch.Elapsed.TotalSeconds);

        TokenClassificationMetrics Evaluate(string file) => ml.FineTuning.EvaluateTokenClassification(
            model.Transform(ml.Data.LoadFromEnumerable(Read(file, every: quick ? 60 : 6))), nameof(Sentence.Tags),
            scheme: LabelScheme.Iob1);
    }

    private static Sentence[] Read(string file, int every) =>
    [
        .. ConllSentence.Read(file).Where((_, index) => index % every == 0)
            .Select(sentence => new Sentence { Words = sentence.Words, Tags = sentence.Tags }),
    ];

    /// <summary>Mean and standard deviation of runs.</summary>
    public static string Mean<T>(IReadOnlyList<T> runs, Func<T, double> value)
    {
        double[] values = [.. runs.Select(value)];
        var mean = values.Average();
        var deviation = Math.Sqrt(values.Sum(one => (one - mean) * (one - mean)) / Math.Max(1, values.Length - 1));
        return values.Length == 1
            ? mean.ToString("0.0000", CultureInfo.InvariantCulture)
            : string.Create(CultureInfo.InvariantCulture, $"{mean:0.000} ({deviation:0.000})");
    }

    /// <summary>The number after an argument; null if there is none.</summary>
    public static int? After(IReadOnlyList<string> arguments, string name) =>
        arguments.Index().FirstOrDefault(argument => argument.Item == name) is (var index, not null) && index + 1 < arguments.Count
            ? int.Parse(arguments[index + 1], CultureInfo.InvariantCulture)
            : null;

    private sealed class Sentence
    {
        public string[] Words { get; set; } = [];

        public string[] Tags { get; set; } = [];
    }
}
