using System.Globalization;
using System.Reflection;
using Microsoft.ML;
using MlNetFineTune.Heads;
using MlNetFineTune.Rows;
using MlNetFineTune.Strategies;
using TorchSharp;

namespace MlNetFineTune.Scoring;

/// <summary>Writes down a finished training.</summary>
internal static class ManifestOf
{
    public static ModelManifest Training(ImageFineTuningOptions options, ImageClassifier classifier, LabelKeys keys, TrainingReport report, long seed) => new()
    {
        FormatVersion = ModelManifest.CurrentVersion,
        Packages = Packages,
        Backbone = BackboneManifest.Of(options.Backbone),
        Adapter = (options.Adapter as LoraAdapter)?.Describe(classifier),
        Columns = new ColumnManifest(options.LabelColumnName, options.ImageColumnName, options.ImageFolder, options.ScoreColumnName, options.PredictedLabelColumnName, options.RawPixels, options.ImageStatusColumnName),
        Classes = keys.Names,
        Options = new SortedDictionary<string, string>(Describe(options), StringComparer.Ordinal)
        {
            [nameof(options.Adapter)] = options.Adapter.ToString(),
            [nameof(options.Augmentation)] = options.Augmentation.ToString(),
            [nameof(options.LabelSmoothing)] = options.LabelSmoothing.ToString(CultureInfo.InvariantCulture),
        },
        Seed = seed,
        Threads = torch.get_num_threads(),
        Training = TrainingManifest.Of(report),
        TestTimeAugmentation = options.TestTimeAugmentation.ToString(),
        OnProbeMismatch = options.OnProbeMismatch,
        ProbeScores = Probe.Score(classifier),
    };

    /// <summary>Versions of what made a model.</summary>
    public static SortedDictionary<string, string> Packages => new(StringComparer.Ordinal)
    {
        ["MlNetFineTune"] = VersionOf(typeof(ManifestOf).Assembly),
        ["Microsoft.ML"] = VersionOf(typeof(MLContext).Assembly),
        ["TorchSharp"] = VersionOf(typeof(torch).Assembly),
        ["libtorch"] = typeof(ManifestOf).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "LibTorchVersion").Value!,
    };

    /// <summary>What all trainings have, for people.</summary>
    public static SortedDictionary<string, string> Describe(FineTuningOptions options) => new(StringComparer.Ordinal)
    {
        [nameof(options.Strategy)] = options.Strategy.ToString(),
        [nameof(options.Epochs)] = options.Epochs.ToString(CultureInfo.InvariantCulture),
        [nameof(options.BatchSize)] = options.BatchSize.ToString(CultureInfo.InvariantCulture),
        [nameof(options.LearningRate)] = options.LearningRate.ToString(CultureInfo.InvariantCulture),
        [nameof(options.Optimizer)] = options.Optimizer.ToString(),
        [nameof(options.Schedule)] = options.Schedule.ToString(),
        [nameof(options.GradientClipping)] = options.GradientClipping.ToString(),
        [nameof(options.Validation)] = options.Validation.ToString(),
        [nameof(options.EarlyStoppingPatience)] = options.EarlyStoppingPatience?.ToString(CultureInfo.InvariantCulture) ?? "none",
        [nameof(options.BadRows)] = options.BadRows.ToString(),
    };

    private static string VersionOf(Assembly assembly) =>
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? assembly.GetName().Version!.ToString();
}
