using System.Diagnostics;
using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Benchmarks;

/// <summary>A fine-tuned MobileNetV2 and compressed models from it, each as a zip in a folder, by seed.</summary>
internal static class CompressedModels
{
    private const string Whole = "MobileNetV2";

    // In this order: most start from the first.
    private static readonly (string Name, Func<Making, FineTuningTransformer> Make)[] s_all =
    [
        (Whole, making => making.Train(MobileNetV2)),
        ("MobileNetV2, half precision", making => making.Earlier().WithHalfPrecisionWeights()),
        ("MobileNetV1 0.25", making => making.Train(Student)),
        ("MobileNetV1 0.25, taught by MobileNetV2",
            making => making.Train(Student with { Distillation = Distillation.From(making.Earlier()) })),
        ("MobileNetV2, pruned by 25 %", making => making.Train(Pruned(making.Earlier(), 0.25f))),
        ("MobileNetV2, pruned by 50 %", making => making.Train(Pruned(making.Earlier(), 0.5f))),
    ];

    public static IReadOnlyList<string> Names { get; } = [.. s_all.Select(one => one.Name)];

    private static ImageFineTuningOptions MobileNetV2 =>
        new() { Backbone = Backbone.MobileNetV2.WithWeights(SharedFiles.Require("weights/mobilenetv2_100.safetensors")) };

    private static ImageFineTuningOptions Student =>
        new() { Backbone = Backbone.MobileNetV1(0.25f).WithWeights(SharedFiles.Require("weights/mobilenetv1_025.safetensors")) };

    public static string FileOf(string folder, string name, int seed) =>
        Path.Combine(folder, FormattableString.Invariant($"{name}, seed {seed}.zip"));

    /// <summary>Creates a model, scores the photos of <c>val</c> once, and writes the zip.</summary>
    public static CompressedModel Make(string photos, string name, int seed, int epochs, string folder)
    {
        var watch = Stopwatch.StartNew();
        using var making = new Making(SharedFiles.Require($"data/{photos}"), seed, epochs, folder);
        using var model = s_all.Single(one => one.Name == name).Make(making);
        var seconds = watch.Elapsed.TotalSeconds;
        var accuracy = making.Judge(model);
        var (parameters, file) = (0L, FileOf(folder, name, seed));
        model.Scorer.Read(network => parameters = network.NamedParameters().Sum(named => named.Parameter.numel()));
        making.Context.Model.SaveAtomically(model, null, file);
        return new CompressedModel(accuracy, seconds, parameters, new FileInfo(file).Length);
    }

    private static ImageFineTuningOptions Pruned(ITransformer model, float ratio) =>
        new() { Backbone = Backbone.FromModel(model).Prune(ratio), Strategy = Strategy.Full(layerDecay: 1) };

    private sealed class Making(string photos, int seed, int epochs, string folder) : IDisposable
    {
        private FineTuningTransformer? _earlier;

        public MLContext Context { get; } = new(seed);

        /// <summary>The uncompressed MobileNetV2 of the same seed.</summary>
        public FineTuningTransformer Earlier() =>
            _earlier ??= (FineTuningTransformer)Context.Model.Load(FileOf(folder, Whole, seed), out _);

        public FineTuningTransformer Train(ImageFineTuningOptions options) =>
            Context.MulticlassClassification.Trainers.FineTuneImages(options with { Epochs = epochs }).Fit(Photos("train"));

        public double Judge(FineTuningTransformer model) =>
            Context.MulticlassClassification.Evaluate(model.Transform(Photos("val"))).MicroAccuracy;

        public void Dispose() => _earlier?.Dispose();

        private IDataView Photos(string part)
        {
            var keys = Context.Transforms.Conversion.MapValueToKey("Label")
                .Fit(Context.Data.LoadImageFolder(Path.Combine(photos, "train")));
            return keys.Transform(Context.Data.LoadImageFolder(Path.Combine(photos, part)));
        }
    }
}

/// <param name="Accuracy">Accuracy on <c>val</c>, 0 to 1.</param>
/// <param name="Seconds">Duration of its creation.</param>
/// <param name="Parameters">Number of parameters, including the head.</param>
/// <param name="FileBytes">Size of the zip.</param>
internal sealed record CompressedModel(double Accuracy, double Seconds, long Parameters, long FileBytes);
