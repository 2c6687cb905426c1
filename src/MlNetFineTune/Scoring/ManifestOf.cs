using System.Globalization;
using System.Reflection;
using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using MlNetFineTune.Training;
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
        Options = Describe(options),
        Seed = seed,
        Threads = torch.get_num_threads(),
        Training = TrainingManifest.Of(report),
        Calibration = report.Calibration,
        Distillation = report.Distillation is { } taught ? new TeacherManifest(taught.Teacher, taught.WeightsSha256) : null,
        TestTimeAugmentation = options.TestTimeAugmentation.ToString(),
        OnProbeMismatch = options.OnProbeMismatch,
        ProbeScores = Probe.Score(classifier, MulticlassObjective.OfScoring(keys.Count, report.Calibration)),
    };

    /// <summary>Versions of what made a model.</summary>
    public static SortedDictionary<string, string> Packages => new(StringComparer.Ordinal)
    {
        ["MlNetFineTune"] = VersionOf(typeof(ManifestOf).Assembly),
        ["Microsoft.ML"] = VersionOf(typeof(MLContext).Assembly),
        ["TorchSharp"] = VersionOf(typeof(torch).Assembly),
        ["libtorch"] = typeof(ManifestOf).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "LibTorchVersion").Value!,
    };

    /// <summary>The options of a training, for people.</summary>
    public static SortedDictionary<string, string> Describe(FineTuningOptions options)
    {
        var described = OfEveryTraining(options);
        foreach (var (name, value) in OfTheTask(options))
            described.Add(name, value.ToString()!);
        return described;
    }

    private static (string Name, object Value)[] OfTheTask(FineTuningOptions options) => options switch
    {
        ImageFineTuningOptions image => [(nameof(image.Adapter), image.Adapter), (nameof(image.Augmentation), image.Augmentation), (nameof(image.Calibration), image.Calibration), (nameof(image.Distillation), image.Distillation), (nameof(image.Loss), image.Loss), (nameof(image.ClassWeights), image.ClassWeights)],
        MulticlassModuleOptions multiclass => [(nameof(multiclass.Calibration), multiclass.Calibration), (nameof(multiclass.Loss), multiclass.Loss), (nameof(multiclass.ClassWeights), multiclass.ClassWeights)],
        BinaryModuleOptions binary => [(nameof(binary.Calibration), binary.Calibration), (nameof(binary.ClassWeights), binary.ClassWeights)],
        RegressionModuleOptions regression => [(nameof(regression.Loss), regression.Loss)],
        _ => [],
    };

    private static SortedDictionary<string, string> OfEveryTraining(FineTuningOptions options) => new(StringComparer.Ordinal)
    {
        [nameof(options.Strategy)] = options.Strategy.ToString(),
        [nameof(options.BatchNorm)] = options.BatchNorm.ToString(),
        [nameof(options.Epochs)] = options.Epochs.ToString(CultureInfo.InvariantCulture),
        [nameof(options.BatchSize)] = options.BatchSize.ToString(CultureInfo.InvariantCulture),
        [nameof(options.AccumulationSteps)] = options.AccumulationSteps.ToString(CultureInfo.InvariantCulture),
        [nameof(options.LearningRate)] = options.LearningRate.ToString(CultureInfo.InvariantCulture),
        [nameof(options.Optimizer)] = options.Optimizer.ToString(),
        [nameof(options.Schedule)] = options.Schedule.ToString(),
        [nameof(options.GradientClipping)] = options.GradientClipping.ToString(),
        [nameof(options.WeightAveraging)] = options.WeightAveraging.ToString(),
        [nameof(options.Validation)] = options.Validation.ToString(),
        [nameof(options.EarlyStoppingPatience)] = options.EarlyStoppingPatience?.ToString(CultureInfo.InvariantCulture) ?? "none",
        [nameof(options.ExampleWeightColumnName)] = options.ExampleWeightColumnName ?? "none",
        [nameof(options.BadRows)] = options.BadRows.ToString(),
    };

    private static string VersionOf(Assembly assembly) =>
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? assembly.GetName().Version!.ToString();
}
