using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Cost and accuracy of each strategy: MobileNetV2 on two data sets with the same epochs, augmentation and seeds, compared with PyTorch's
/// tutorial recipe. 20 % of <c>train</c> are validation for the choice of the epoch; <c>val</c> is scored once. Each training runs in its
/// own process, with the peak memory reported by the system.
/// </summary>
internal static class StrategyStudy
{
    public const string Name = "strategies";

    public const string Usage = $"{Name} [--epochs N] [--seeds N] [--data ants-bees,flowers] [--strategies "
        + "HeadOnly,Full,...,PyTorch-head,PyTorch-full] [--quick]";

    private const string One = "--one";

    private static readonly (string Name, Func<ImageFineTuningOptions, ImageFineTuningOptions> With)[] s_strategies =
    [
        ("HeadOnly", options => options with { Strategy = Strategy.HeadOnly }),
        ("LastStages", options => options with { Strategy = Strategy.LastStages(3) }),
        ("Full", options => options with { Strategy = Strategy.Full() }),
        ("FullFrozenBatchNorm", options => options with { Strategy = Strategy.Full(), BatchNorm = BatchNormMode.Frozen }),
        ("Gradual", options => options with { Strategy = Strategy.Gradual() }),
        ("ProbeThenFull", options => options with { Strategy = Strategy.ProbeThenFull() }),
        ("NormAndBias", options => options with { Strategy = Strategy.NormAndBias }),
        ("Lora", options => options with { Strategy = Strategy.LastStages(3), Adapter = Adapter.Lora(), LearningRate = 5e-3f }),
    ];

    private static readonly string[] s_peers = ["PyTorch-head", "PyTorch-full"];

    public static int Run(IReadOnlyList<string> arguments)
    {
        if (arguments is [One, var set, var strategy, var oneSeed, var oneEpochs])
        {
            Console.WriteLine(
                JsonSerializer.Serialize(
                    Train(set, strategy, int.Parse(oneSeed, CultureInfo.InvariantCulture),
                    int.Parse(oneEpochs, CultureInfo.InvariantCulture))));
            return 0;
        }
        var (epochs, seeds) = (5, 3);
        string[] sets = ["ants-bees", "flowers"];
        string[] known = [.. s_strategies.Select(one => one.Name), .. s_peers];
        var chosen = known;
        for (var i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] == "--quick")
                (epochs, seeds, sets, chosen) = (2, 1, ["ants-bees"], ["HeadOnly", "ProbeThenFull"]);
            else if (arguments[i] == "--epochs" && Number(i + 1) is { } given)
                (epochs, i) = (given, i + 1);
            else if (arguments[i] == "--seeds" && Number(i + 1) is { } count)
                (seeds, i) = (count, i + 1);
            else if (arguments[i] == "--data" && List(i + 1) is { } data)
                (sets, i) = (data, i + 1);
            else if (arguments[i] == "--strategies" && List(i + 1) is { } names && names.All(known.Contains))
                (chosen, i) = (names, i + 1);
            else
                return Misused(arguments[i], known);
        }

        Console.WriteLine(
            string.Create(CultureInfo.InvariantCulture,
                $"MobileNetV2, Augmentation.Light, {epochs} epochs of batch 16, seeds 1 to {seeds}; accuracy on the photos of val, means; "
                + $"validation: loss of the epoch that was kept\n"));
        Console.WriteLine("| photos | strategy | accuracy | sd | validation | seconds | trained parameters | peak memory, MiB |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|");
        foreach (var photos in sets)
        {
            foreach (var name in chosen)
                Print(
                    photos, name,
                    [.. Enumerable.Range(1, seeds)
                        .Select(seed => s_peers.Contains(name) ? Peer(photos, name, seed, epochs) : Child(photos, name, seed, epochs))]);
        }
        return 0;

        int? Number(int index) => index < arguments.Count && int.TryParse(arguments[index], CultureInfo.InvariantCulture, out var number)
            && number > 0 ? number : null;

        string[]? List(int index) => index < arguments.Count ? arguments[index].Split(',', StringSplitOptions.RemoveEmptyEntries) : null;
    }

    private static int Misused(string argument, IEnumerable<string> known)
    {
        Console.Error.WriteLine($"'{argument}' is not understood, or what must follow it is missing or unknown. "
            + $"Usage: {Usage}\nStrategies: {string.Join(", ", known)}");
        return 2;
    }

    private static Outcome Train(string set, string strategy, int seed, int epochs)
    {
        var photos = SharedFiles.Require($"data/{set}");
        var weights = SharedFiles.Require("weights/mobilenetv2_100.safetensors"); // random weights would be meaningless
        var watch = Stopwatch.StartNew();
        var ml = new MLContext(seed);
        var keys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(ml.Data.LoadImageFolder(Path.Combine(photos, "train")));
        var options = s_strategies.First(one => one.Name == strategy)
            .With(new ImageFineTuningOptions { Backbone = Backbone.MobileNetV2.WithWeights(weights), Epochs = epochs });
        using var model = ml.MulticlassClassification.Trainers.FineTuneImages(options)
            .Fit(keys.Transform(ml.Data.LoadImageFolder(Path.Combine(photos, "train"))));
        var accuracy = ml.MulticlassClassification.Evaluate(
            model.Transform(keys.Transform(ml.Data.LoadImageFolder(Path.Combine(photos, "val"))))).MicroAccuracy;
        using var process = Process.GetCurrentProcess();
        var report = model.Report!;
        return new Outcome(accuracy, report.Epochs[report.BestEpoch - 1].ValidationLoss, watch.Elapsed.TotalSeconds,
            report.TrainedParameters, process.PeakWorkingSet64 / (double)(1 << 20));
    }

    private static Outcome Child(string set, string strategy, int seed, int epochs) =>
        StudyProcess.Run<Outcome>(Name, One, set, strategy, seed.ToString(CultureInfo.InvariantCulture),
            epochs.ToString(CultureInfo.InvariantCulture));

    private static Outcome Peer(string set, string name, int seed, int epochs)
    {
        var photos = SharedFiles.Require($"data/{set}");
        string[] arguments = ["--mode", name["PyTorch-".Length..], "--seed", $"{seed}", "--epochs", $"{epochs}", "--train",
            Path.Combine(photos, "train"), "--test", Path.Combine(photos, "val"), "--weights", SharedFiles.Require("weights")];
        var last = PyTorch.Run("finetune.py", arguments)[^1];
        return new Outcome(last.GetProperty("accuracies").EnumerateArray().Last().GetDouble(), null,
            last.GetProperty("total_s").GetDouble(), last.GetProperty("trained_parameters").GetInt64(),
            last.GetProperty("peak_mib").GetDouble());
    }

    private static void Print(string set, string name, List<Outcome> outcomes)
    {
        var mean = outcomes.Average(outcome => outcome.Accuracy);
        var deviation = outcomes.Count > 1 ? Math.Sqrt(outcomes.Sum(outcome => Math.Pow(outcome.Accuracy - mean, 2)) / (outcomes.Count - 1))
            : double.NaN;
        var validation = outcomes.All(outcome => outcome.ValidationLoss is not null)
            ? string.Create(CultureInfo.InvariantCulture, $"{outcomes.Average(outcome => outcome.ValidationLoss):0.000}")
            : "none";
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {set} | {name} | {mean:0.000} | {deviation:0.000} | {validation} | {outcomes.Average(outcome => outcome.Seconds):0.0} | "
                + $"{outcomes[0].TrainedParameters:N0} | {outcomes.Average(outcome => outcome.PeakMegabytes):0} |"));
    }

    private sealed record Outcome(double Accuracy, double? ValidationLoss, double Seconds, long TrainedParameters, double PeakMegabytes);
}
