using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Few labelled texts: 8 and 16 a class, drawn anew for each seed, of SST-2 and of the issues of corefx (all rows of smaller classes).
/// Contrastive training of MiniLM, the head alone on cached features, and ML.NET's own text features with SDCA. With <c>--tune</c> it
/// scores rows of the training files that no training draws from, and never those of the test.
/// </summary>
internal static class FewShotStudy
{
    public const string Name = "few-shot-study";

    public const string Usage =
        $"{Name} [sst2|issues ...] [8 16] [--seeds N] [--only sdca|head|contrastive] [--tune] [--rate R] [--epochs N] [--iterations N]";

    // The head's rate and epochs were chosen by --tune (docs/few-shot.md); the rates of the pairs are SetFit's. The number of pairs is
    // limited by time: SetFit's 20 iterations at 8 rows of SST-2, as many pairs at 16, and one iteration of the issues.
    private const float HeadRate = 1e-2f, ContrastiveRate = 1e-3f;
    private const int ContrastiveHeadEpochs = 100;

    private static readonly string[] s_sets = ["sst2", "issues"];

    public static int Run(IReadOnlyList<string> arguments)
    {
        var tune = arguments.Contains("--tune");
        var only = After(arguments, "--only");
        var seeds = Number(arguments, "--seeds", 3);
        var rate = After(arguments, "--rate") is { } given ? float.Parse(given, CultureInfo.InvariantCulture) : (float?)null;
        string[] sets = [.. s_sets.Where(arguments.Contains)];
        int[] shots = [.. new[] { 8, 16 }.Where(shot => arguments.Contains(shot.ToString(CultureInfo.InvariantCulture)))];
        Console.WriteLine($"all-MiniLM-L6-v2, {seeds} seeds: mean (standard deviation)\n");
        Console.WriteLine("| texts | rows a class | training | accuracy | macro F1 | CPU seconds of Fit |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (var set in sets.Length > 0 ? sets : s_sets)
        {
            foreach (var shot in shots.Length > 0 ? shots : [8, 16])
            {
                var head = Base with
                {
                    Strategy = Strategy.HeadOnly,
                    LearningRate = rate ?? HeadRate,
                    Epochs = Number(arguments, "--epochs", set == "sst2" ? 100 : 30),
                };
                var iterations = Number(arguments, "--iterations", set == "sst2" ? 160 / shot : 1);
                var contrastive = Base with
                {
                    Strategy = Strategy.ContrastiveThenProbe(iterations),
                    LearningRate = rate ?? ContrastiveRate,
                    Epochs = iterations + Number(arguments, "--epochs", ContrastiveHeadEpochs),
                    Schedule = LearningRateSchedule.Linear(warmup: 0.1f),
                };
                Measure("sdca", (ml, train) => ml.Transforms.Text.FeaturizeText("Features", "Text")
                    .Append(ml.MulticlassClassification.Trainers.SdcaMaximumEntropy()).Fit(train));
                Measure("head", (ml, train) => ml.MulticlassClassification.Trainers.FineTuneText(head).Fit(train));
                Measure("contrastive", (ml, train) => ml.MulticlassClassification.Trainers.FineTuneText(contrastive).Fit(train));

                void Measure(string name, Func<MLContext, IDataView, ITransformer> fit)
                {
                    if (only is not null && only != name)
                        return;
                    // Other draws for choices than for results.
                    var runs = Enumerable.Range(tune ? 101 : 1, seeds).Select(seed => One(seed, set, shot, tune, fit)).ToArray();
                    Console.WriteLine(
                        $"| {set} | {shot} | {name} | {Mean(runs, run => run.Accuracy)} | {Mean(runs, run => run.F1)} | "
                        + $"{runs.Average(run => run.Seconds).ToString("0.0", CultureInfo.InvariantCulture)} |");
                }
            }
        }
        return 0;
    }

    private static TextFineTuningOptions Base => new()
    {
        Backbone = TextStudy.Backbone,
        MaximumLength = 64,
        Validation = ValidationData.None,
    };

    private static (double Accuracy, double F1, double Seconds) One(
        int seed, string set, int shot, bool tune, Func<MLContext, IDataView, ITransformer> fit)
    {
        var ml = new MLContext(seed);
        var (train, test) = Load(ml, set, shot, seed, tune);
        var before = CpuSeconds();
        var model = fit(ml, train);
        var seconds = CpuSeconds() - before;
        using var owned = model as IDisposable;
        var (accuracy, f1) = TextStudy.Evaluate(ml, model.Transform(test));
        return (accuracy, f1, seconds);
    }

    // Trainings draw from some rows of the training file, choices are scored on others, results on every third test row of SST-2 and on
    // the fifth of the issues that is their test.
    private static (IDataView Train, IDataView Test) Load(MLContext ml, string set, int shot, int seed, bool tune)
    {
        List<TextStudy.Row> pool, scored;
        if (set == "sst2")
        {
            var rows = TextStudy.Sentences("data/text/sst2/train.tsv");
            pool = [.. Every(rows, index => index % 10 != 9)];
            scored = tune ? [.. Every(rows, index => index % 20 == 9)]
                : [.. Every(TextStudy.Sentences("data/text/sst2/test.tsv"), index => index % 3 == 0)];
        }
        else
        {
            var rows = TextStudy.Issues("data/text/corefx-issues.tsv");
            pool = [.. Every(rows, index => index % 5 < 3)];
            scored = [.. Every(rows, index => index % 5 == (tune ? 3 : 4))];
        }
        var random = new Random(seed);
        var train = pool.GroupBy(row => row.Label).OrderBy(group => group.Key, StringComparer.Ordinal)
            .SelectMany(group => group.OrderBy(_ => random.NextDouble()).Take(shot)).ToList();
        var trainView = ml.Data.LoadFromEnumerable(train);
        var keys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(trainView);
        return (keys.Transform(trainView), keys.Transform(ml.Data.LoadFromEnumerable(scored)));
    }

    private static IEnumerable<TextStudy.Row> Every(IEnumerable<TextStudy.Row> rows, Func<int, bool> isChosen) =>
        rows.Where((_, index) => isChosen(index));

    private static double CpuSeconds()
    {
        using var process = Process.GetCurrentProcess();
        return process.TotalProcessorTime.TotalSeconds;
    }

    private static string Mean<T>(IReadOnlyList<T> runs, Func<T, double> value)
    {
        double[] values = [.. runs.Select(value)];
        var mean = values.Average();
        var deviation = Math.Sqrt(values.Sum(one => (one - mean) * (one - mean)) / Math.Max(1, values.Length - 1));
        return string.Create(CultureInfo.InvariantCulture, $"{mean:0.000} ({deviation:0.000})");
    }

    private static int Number(IReadOnlyList<string> arguments, string name, int otherwise) =>
        After(arguments, name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    private static string? After(IReadOnlyList<string> arguments, string name) =>
        arguments.Index().FirstOrDefault(argument => argument.Item == name) is (var index, not null) && index + 1 < arguments.Count
            ? arguments[index + 1]
            : null;
}
