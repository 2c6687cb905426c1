using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Accuracy of fine-tuning MiniLM on texts by strategy: sentences of film reviews (every third row of SST-2's training set), and issues
/// with 22 areas. Beside it ML.NET's own text features with SDCA.
/// </summary>
internal static class TextStudy
{
    public const string Name = "text-study";

    public const string Usage = $"{Name} [sst2|issues ...] [--seeds N] [--only NAME] [--quick]";

    private static readonly (string Name, TextFineTuningOptions Options)[] s_trainings =
    [
        ("head", Base with { Strategy = Strategy.HeadOnly, Epochs = 30, LearningRate = 3e-3f }),
        ("default", Base),
        ("full", Base with { Strategy = Strategy.Full(0.9f), Epochs = 3, LearningRate = 1e-4f }),
        ("LoRA", Base with { Adapter = Adapter.Lora(targets: ["query", "value"]), Strategy = Strategy.Full(1), Epochs = 4 }),
    ];

    private static TextFineTuningOptions Base => new() { Backbone = Backbone };

    public static TextBackbone Backbone => TextBackbone.FromFolder(SharedFiles.Require("weights/all-MiniLM-L6-v2"));

    public static int Run(IReadOnlyList<string> arguments)
    {
        var quick = arguments.Contains("--quick");
        var seeds = After(arguments, "--seeds") is { } count ? int.Parse(count, CultureInfo.InvariantCulture) : quick ? 1 : 3;
        var only = After(arguments, "--only");
        string[] sets = [.. new[] { "sst2", "issues" }.Where(set => arguments.Contains(set))];
        Console.WriteLine($"all-MiniLM-L6-v2, {seeds} seeds: mean (standard deviation)\n");
        Console.WriteLine("| texts | training | accuracy | macro F1 | seconds |");
        Console.WriteLine("|---|---|---|---|---|");
        foreach (var set in sets.Length > 0 ? sets : ["sst2", "issues"])
        {
            var contexts = Enumerable.Range(1, seeds).Select(seed => new MLContext(seed)).ToList();
            if (only is null)
                Print(set, "ML.NET: FeaturizeText, SDCA", [.. contexts.Select(ml => Stock(ml, set, quick))]);
            foreach (var (name, options) in s_trainings.Where(training => only is null || training.Name == only))
                Print(set, name, [.. contexts.Select(ml => Train(ml, set, options, quick))]);
        }
        foreach (var set in only is null or TextFeatureStudy.Name ? sets.Length > 0 ? sets : ["sst2", "issues"] : [])
            TextFeatureStudy.Print(set, seeds, quick);
        return 0;
    }

    private static (double Accuracy, double F1, double Seconds) Train(MLContext ml, string set, TextFineTuningOptions options, bool quick)
    {
        var (train, test) = Load(ml, set, quick);
        var watch = Stopwatch.StartNew();
        using var model = ml.MulticlassClassification.Trainers.FineTuneText(options).Fit(train);
        return Evaluate(ml, model.Transform(test), watch);
    }

    private static (double Accuracy, double F1, double Seconds) Stock(MLContext ml, string set, bool quick)
    {
        var (train, test) = Load(ml, set, quick);
        var watch = Stopwatch.StartNew();
        var model = ml.Transforms.Text.FeaturizeText("Features", "Text")
            .Append(ml.MulticlassClassification.Trainers.SdcaMaximumEntropy()).Fit(train);
        return Evaluate(ml, model.Transform(test), watch);
    }

    public static (double Accuracy, double F1, double Seconds) Evaluate(MLContext ml, IDataView scored, Stopwatch watch)
    {
        var metrics = ml.MulticlassClassification.Evaluate(scored);
        return (metrics.MicroAccuracy, metrics.F1().Macro, watch.Elapsed.TotalSeconds);
    }

    // The splits of the reference: no chance, rows counted from 0.
    public static (IDataView Train, IDataView Test) Load(MLContext ml, string set, bool quick)
    {
        List<Row> train, test;
        if (set == "sst2")
        {
            train = [.. Sentences("data/text/sst2/train.tsv").Index().Where(row => row.Index % 3 == 0).Select(row => row.Item)];
            test = Sentences("data/text/sst2/test.tsv");
        }
        else
        {
            var all = Issues("data/text/corefx-issues.tsv");
            train = [.. all.Index().Where(row => row.Index % 5 != 4).Select(row => row.Item)];
            test = [.. all.Index().Where(row => row.Index % 5 == 4).Select(row => row.Item)];
        }
        if (quick)
            (train, test) = ([.. train.Take(200)], [.. test.Take(100)]);
        var trainView = ml.Data.LoadFromEnumerable(train);
        var keys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(trainView);
        return (keys.Transform(trainView), keys.Transform(ml.Data.LoadFromEnumerable(test)));
    }

    internal static List<Row> Sentences(string path) => [.. File.ReadLines(SharedFiles.Require(path))
        .Select(line => line.Split('\t', 2)).Select(parts => new Row { Label = parts[0], Text = parts[1] })];

    internal static List<Row> Issues(string path) => [.. File.ReadLines(SharedFiles.Require(path)).Skip(1)
        .Select(line => line.Split('\t')).Select(parts => new Row { Label = parts[1], Text = $"{parts[2]} {parts[3]}" })];

    public static void Print(string set, string name, IReadOnlyList<(double Accuracy, double F1, double Seconds)> runs) =>
        Console.WriteLine($"| {set} | {name} | {Mean([.. runs.Select(run => run.Accuracy)])} | {Mean([.. runs.Select(run => run.F1)])} | "
            + $"{string.Create(CultureInfo.InvariantCulture, $"{runs.Average(run => run.Seconds):0}")} |");

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

    internal sealed class Row
    {
        public string Label { get; set; } = "";

        public string Text { get; set; } = "";
    }
}
