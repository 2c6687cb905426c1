using System.Text.Json.Serialization;
using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring.Format1;
using MlNetFineTune.Tasks;
using MlNetFineTune.Training;
using TorchSharp;

namespace MlNetFineTune.Scoring;

/// <summary>
/// The description of a model in its file, as JSON: input, network, task and training. Format version 2. Files of version 1 have
/// <see cref="Format1.ImageManifest"/> or <see cref="Format1.ModuleModelManifest"/>.
/// </summary>
internal sealed record ModelManifest
{
    public const int CurrentVersion = 2;

    public required int FormatVersion { get; init; }

    /// <summary>Versions of the packages that compute.</summary>
    public required IReadOnlyDictionary<string, string> Packages { get; init; }

    public required InputManifest Input { get; init; }

    public required NetworkManifest Encoder { get; init; }

    /// <summary>The network's adapters; null if it has none.</summary>
    public AdapterDescription? Adapter { get; init; }

    public required TaskManifest Task { get; init; }

    /// <summary>Conformal prediction; null without it, as in files of earlier versions of this library.</summary>
    public ConformalManifest? Conformal { get; init; }

    /// <summary>The options of the training, for information; not read back.</summary>
    public required IReadOnlyDictionary<string, string> Options { get; init; }

    public required long Seed { get; init; }

    /// <summary>Number of libtorch threads in the training.</summary>
    public required int Threads { get; init; }

    public required TrainingManifest Training { get; init; }

    public TeacherManifest? Distillation { get; init; }

    public WeightPrecision WeightPrecision { get; init; }

    /// <summary>Whether the model was trained in bfloat16, and is scored so where that is faster.</summary>
    public bool UsesBFloat16 { get; init; }

    /// <summary>The views of a picture that are scored.</summary>
    public string TestTimeAugmentation { get; init; } = MlNetFineTune.TestTimeAugmentation.None.Code;

    public required ProbeMismatch OnProbeMismatch { get; init; }

    /// <summary>Scores of the probe sample (<see cref="Probe"/>).</summary>
    public required IReadOnlyList<float> ProbeScores { get; init; }

    /// <summary>SHA-256 of the weights entry; null before it is written.</summary>
    public string? WeightsSha256 { get; init; }

    /// <summary>Creates the manifest of a completed training.</summary>
    public static ModelManifest Of(TrainingRun run, BoundTask task, TrainingReport report, ConformalModel? conformal = null) => new()
    {
        FormatVersion = CurrentVersion,
        Packages = PackageVersions.Current,
        Input = run.Input.Describe(),
        Encoder = run.Network.Describe(),
        Adapter = run.Options.Adapter.Describe(run.Network),
        Task = task.Describe(),
        Conformal = conformal?.Manifest,
        Options = OptionsDescription.Of(run.Options),
        Seed = run.Seed,
        Threads = torch.get_num_threads(),
        Training = TrainingManifest.Of(report),
        Distillation = report.Distillation is { } taught ? new TeacherManifest(taught.Teacher, taught.WeightsSha256) : null,
        UsesBFloat16 = run.Network.UsesBFloat16,
        TestTimeAugmentation = run.Options.ScoringViews.Code,
        OnProbeMismatch = run.Options.OnProbeMismatch,
        ProbeScores = Probe.Score(run.Network, run.Input, ScoreFunction.Of(task.Scoring, conformal?.Nearest)),
    };
}

/// <summary>Summary of the training.</summary>
internal sealed record TrainingManifest(
    int Rows, int ValidationRows, int EpochsRun, int BestEpoch, double? ValidationLoss,
    IReadOnlyDictionary<string, double>? ValidationMetrics, IReadOnlyList<ModelLayer>? Layers = null)
{
    /// <summary>The layers and what of them was trained; null in the first files of version 2, which do not contain it.</summary>
    public IReadOnlyList<ModelLayer>? Layers { get; } = Layers is not null && Layers.Any(layer => layer is null)
        ? throw new ArgumentException("it has a layer that is null") : Layers;

    public static TrainingManifest Of(TrainingReport report)
    {
        var best = report.BestEpoch > 0 ? report.Epochs[report.BestEpoch - 1] : null;
        var (loss, metrics) = report.Averaged is { } average ? (average.ValidationLoss, average.Metrics)
            : (best?.ValidationLoss, best?.Metrics);
        // Undefined metrics are left out: JSON has no NaN.
        var defined = metrics?.Where(metric => double.IsFinite(metric.Value)).ToDictionary(StringComparer.Ordinal);
        return new(report.TrainingRows, report.ValidationRows, report.Epochs.Count, report.BestEpoch, loss, defined,
            report.Layers.Count > 0 ? report.Layers : null);
    }
}
