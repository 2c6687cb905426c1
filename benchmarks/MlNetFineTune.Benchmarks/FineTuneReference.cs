using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// A complete training on ants-bees with real weights, from the first photo to the test accuracy, compared with PyTorch's tutorial recipe.
/// The test photos are scored once at the end and select neither epoch nor options; PyTorch's recipe scores them after each epoch.
/// </summary>
internal abstract class FineTuneReference : Benchmark
{
    /// <summary>Modes of the Python script to compare with; the ratio refers to the first.</summary>
    protected abstract IReadOnlyList<string> PeerModes { get; }

    protected abstract ImageFineTuningOptions Options(Backbone backbone, int seed);

    /// <summary>Variants of this library, measured alternately; the first is compared.</summary>
    protected virtual IReadOnlyList<(string Name, Func<ImageFineTuningOptions, ImageFineTuningOptions> Change)> Ours =>
        [("MlNetFineTune", options => options)];

    /// <param name="quick">One seed and no peer: a smoke test.</param>
    public override double Run(bool quick)
    {
        var photos = SharedFiles.Require("data/ants-bees");
        SharedFiles.Require("weights/mobilenetv2_100.safetensors");
        var ours = Ours.Select(candidate => new List<(double Accuracy, double Seconds)>()).ToList();
        var peers = (quick ? [] : PeerModes).ToDictionary(mode => mode, _ => new List<(double Accuracy, double Seconds)>());

        Console.WriteLine($"{"",-44} {"seed",6} {"test accuracy",14} {"total s",9}");
        foreach (var seed in (int[])(quick ? [1] : [1, 2, 3]))
        {
            foreach (var (index, (name, change)) in Ours.Index())
                ours[index].Add(Print(name, seed, FineTune(photos, seed, change)));
            foreach (var (mode, runs) in peers)
                runs.Add(Print($"PyTorch, {mode}", seed, PeerRun(mode, photos, seed)));
        }
        BenchmarkRecorder.Print(new ResultTable(["mean over the seeds", "test accuracy", "total s", "speed-up"],
        [
            .. Ours.Index().Select(one => Mean(one.Item.Name, ours[one.Index], ours[0])),
            .. peers.Select(peer => Mean($"PyTorch, {peer.Key}", peer.Value, ours[0])),
        ]));
        return quick ? double.NaN : Ratio(peers[PeerModes[0]], ours[0]);
    }

    private (double Accuracy, double Seconds) FineTune(string photos, int seed, Func<ImageFineTuningOptions, ImageFineTuningOptions> change)
    {
        var watch = Stopwatch.StartNew();
        var ml = new MLContext(seed);
        var options = change(Options(SharedFiles.MobileNetV2(), seed));
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.MulticlassClassification.Trainers.FineTuneImages(options));
        using var model = pipeline.Fit(ml.Data.LoadImageFolder(Path.Combine(photos, "train")));
        using var onnx = options.FrozenEngine == FrozenEngine.LibTorch ? null : model.LastTransformer.WithOnnxRuntime();
        var test = model.First().Transform(ml.Data.LoadImageFolder(Path.Combine(photos, "val")));
        var metrics = ml.MulticlassClassification.Evaluate((onnx ?? model.LastTransformer).Transform(test));
        return (metrics.MicroAccuracy, watch.Elapsed.TotalSeconds);
    }

    private static (double Accuracy, double Seconds) PeerRun(string mode, string photos, int seed)
    {
        string[] arguments = ["--mode", mode, "--seed", $"{seed}", "--train", Path.Combine(photos, "train"), "--test",
            Path.Combine(photos, "val"), "--weights", SharedFiles.Require("weights")];
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

    private static string[] Mean(
        string name, List<(double Accuracy, double Seconds)> runs, List<(double Accuracy, double Seconds)> ours) =>
    [
        name, runs.Average(run => run.Accuracy).ToString("0.000", CultureInfo.InvariantCulture),
        runs.Average(run => run.Seconds).ToString("0.0", CultureInfo.InvariantCulture),
        Ratio(runs, ours).ToString("0.00", CultureInfo.InvariantCulture),
    ];
}

internal class FineTuneHead : FineTuneReference
{
    public override string Name => "finetune-head";

    public override string Question =>
        "Ants and bees, a new head on MobileNetV2, 5 epochs: total time and test accuracy against PyTorch with cached features, "
        + "and PyTorch's usual recipe.";

    protected override IReadOnlyList<string> PeerModes => ["head-cached", "head"];

    /// <summary>The options of the training, which <see cref="Headline"/> has as well.</summary>
    public static ImageFineTuningOptions HeadOnly(Backbone backbone, int seed) => new()
    {
        Backbone = backbone,
        Strategy = Strategy.HeadOnly,
        Augmentation = Augmentation.None,
        Epochs = 5,
        Seed = seed,
    };

    protected override ImageFineTuningOptions Options(Backbone backbone, int seed) => HeadOnly(backbone, seed);
}

/// <summary>Head-only training with features cached in memory, in an empty folder, and in the folder of the previous training.</summary>
internal sealed class ProbeCached : FineTuneHead
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"mlnetfinetune-probe-{Guid.NewGuid():N}");

    public override string Name => "probe-cached";

    public override string Question =>
        "Ants and bees, a new head on MobileNetV2, 5 epochs with 5 validations, features kept in memory and in a folder: "
        + "total time against PyTorch with cached features, and PyTorch's usual recipe.";

    protected override IReadOnlyList<(string Name, Func<ImageFineTuningOptions, ImageFineTuningOptions> Change)> Ours =>
    [
        .. base.Ours,
        ("MlNetFineTune, an empty folder", options =>
        {
            DeleteFolder();
            return options with { FeatureCache = FeatureCache.InFolder(_folder) };
        }),
        ("MlNetFineTune, the folder it filled", options => options with { FeatureCache = FeatureCache.InFolder(_folder) }),
    ];

    public override double Run(bool quick)
    {
        try
        {
            return base.Run(quick);
        }
        finally
        {
            DeleteFolder();
        }
    }

    private void DeleteFolder()
    {
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>Head-only training with frozen stages and test photos in ONNX Runtime.</summary>
internal sealed class ProbeFastest : FineTuneHead
{
    public override string Name => "probe-fastest";

    public override string Question =>
        "Ants and bees, a new head on MobileNetV2, 5 epochs with 5 validations, frozen stages and test photos in ONNX Runtime: "
        + "total time against PyTorch with cached features, and PyTorch's usual recipe.";

    protected override IReadOnlyList<(string Name, Func<ImageFineTuningOptions, ImageFineTuningOptions> Change)> Ours =>
        [("MlNetFineTune, ONNX Runtime", options => options with { FrozenEngine = FrozenEngine.OnnxRuntime }), .. base.Ours];
}

internal sealed class FineTuneFull : FineTuneReference
{
    public override string Name => "finetune-full";

    public override string Question =>
        "Ants and bees, all of MobileNetV2, crop and flip, 5 epochs: total time and test accuracy against PyTorch's usual recipe.";

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
