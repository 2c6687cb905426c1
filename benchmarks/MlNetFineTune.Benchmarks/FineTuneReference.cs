using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// The whole job on ants-bees with real weights, from the first photo to the last test accuracy, against PyTorch's recipe. The test photos are
/// scored once, when everything is decided: they choose no epoch and no option. PyTorch's recipe scores them after each epoch, as it does.
/// </summary>
internal abstract class FineTuneReference : Benchmark
{
    /// <summary>The Python script's modes to compare with; the ratio line is the first's.</summary>
    protected abstract IReadOnlyList<string> PeerModes { get; }

    protected abstract ImageFineTuningOptions Options(Backbone backbone, int seed);

    public override double Run(bool quick)
    {
        if (quick)
            throw new CannotRunException($"{Name} measures the whole job; there is no quick form of it.");
        var photos = SharedFiles.Require("data/ants-bees");
        SharedFiles.Require("weights/mobilenetv2_100.safetensors");
        var ours = new List<(double Accuracy, double Seconds)>();
        var peers = PeerModes.ToDictionary(mode => mode, _ => new List<(double Accuracy, double Seconds)>());

        Console.WriteLine($"{"",-44} {"seed",6} {"test accuracy",14} {"total s",9}");
        foreach (var seed in (int[])[1, 2, 3])
        {
            ours.Add(Print("MlNetFineTune", seed, FineTune(photos, seed)));
            foreach (var mode in PeerModes)
                peers[mode].Add(Print($"PyTorch, {mode}", seed, PeerRun(mode, photos, seed)));
        }
        PrintMean("MlNetFineTune", ours, ours);
        foreach (var mode in PeerModes)
            PrintMean($"PyTorch, {mode}", peers[mode], ours);
        return Ratio(peers[PeerModes[0]], ours);
    }

    private (double Accuracy, double Seconds) FineTune(string photos, int seed)
    {
        var watch = Stopwatch.StartNew();
        var ml = new MLContext(seed);
        var options = Options(SharedFiles.MobileNetV2(), seed);
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.MulticlassClassification.Trainers.FineTuneImages(options));
        using var model = pipeline.Fit(ml.Data.LoadImageFolder(Path.Combine(photos, "train")));
        var metrics = ml.MulticlassClassification.Evaluate(model.Transform(ml.Data.LoadImageFolder(Path.Combine(photos, "val"))));
        return (metrics.MicroAccuracy, watch.Elapsed.TotalSeconds);
    }

    private static (double Accuracy, double Seconds) PeerRun(string mode, string photos, int seed)
    {
        string[] arguments = ["--mode", mode, "--seed", $"{seed}", "--train", Path.Combine(photos, "train"), "--test", Path.Combine(photos, "val"), "--weights", SharedFiles.Require("weights")];
        var last = PyTorch.Run("finetune.py", arguments)[^1];
        return (last.GetProperty("accuracies").EnumerateArray().Last().GetDouble(), last.GetProperty("total_s").GetDouble());
    }

    private static double Ratio(IEnumerable<(double Accuracy, double Seconds)> peer, IEnumerable<(double Accuracy, double Seconds)> ours) =>
        peer.Average(run => run.Seconds) / ours.Average(run => run.Seconds);

    private static (double Accuracy, double Seconds) Print(string name, int seed, (double Accuracy, double Seconds) run)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-44} {seed,6} {run.Accuracy,14:0.000} {run.Seconds,9:0.0}"));
        return run;
    }

    private static void PrintMean(string name, List<(double Accuracy, double Seconds)> runs, List<(double Accuracy, double Seconds)> ours) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-44} {"mean",6} {runs.Average(run => run.Accuracy),14:0.000} {runs.Average(run => run.Seconds),9:0.0}   ours is {Ratio(runs, ours):0.0} times as fast"));
}

internal sealed class FineTuneHead : FineTuneReference
{
    public override string Name => "finetune-head";

    public override string Question => "Ants and bees, a new head on MobileNetV2, 5 epochs: total time and test accuracy against PyTorch with cached features, and PyTorch's usual recipe.";

    protected override IReadOnlyList<string> PeerModes => ["head-cached", "head"];

    protected override ImageFineTuningOptions Options(Backbone backbone, int seed) => new()
    {
        Backbone = backbone,
        Strategy = Strategy.HeadOnly,
        Augmentation = Augmentation.None,
        Epochs = 5,
        Seed = seed,
    };
}

internal sealed class FineTuneFull : FineTuneReference
{
    public override string Name => "finetune-full";

    public override string Question => "Ants and bees, all of MobileNetV2, crop and flip, 5 epochs: total time and test accuracy against PyTorch's usual recipe.";

    protected override IReadOnlyList<string> PeerModes => ["full"];

    protected override ImageFineTuningOptions Options(Backbone backbone, int seed) => new()
    {
        Backbone = backbone,
        Strategy = Strategy.Full(),
        Augmentation = Augmentation.Light,
        Epochs = 5,
        Seed = seed,
    };
}
