using System.Text.Json.Serialization;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Training;

namespace MlNetFineTune.Scoring;

/// <summary>
/// What the model file says about itself, as JSON that a person can read. Format version 1. A later version may add members, with a default for
/// files that lack them; one that changes a meaning raises <see cref="FormatVersion"/>.
/// </summary>
internal sealed record ModelManifest
{
    public const int CurrentVersion = 1;

    public required int FormatVersion { get; init; }

    /// <summary>Versions of this library, ML.NET, TorchSharp and libtorch that made the file.</summary>
    public required IReadOnlyDictionary<string, string> Packages { get; init; }

    public required BackboneManifest Backbone { get; init; }

    /// <summary>The adapters of the network; null where it has none. Added after the first files of version 1.</summary>
    public AdapterDescription? Adapter { get; init; }

    public required ColumnManifest Columns { get; init; }

    /// <summary>In the order of the scores.</summary>
    public required IReadOnlyList<string> Classes { get; init; }

    /// <summary>The options of the training, as text; for people, never read back.</summary>
    public required IReadOnlyDictionary<string, string> Options { get; init; }

    public required long Seed { get; init; }

    /// <summary>Torch threads of the training: the same seed and thread count give the same model on the same CPU.</summary>
    public required int Threads { get; init; }

    public required TrainingManifest Training { get; init; }

    /// <summary>How probabilities are calibrated; null where they are not. Added after the first files of version 1.</summary>
    public Calibration.Report? Calibration { get; init; }

    /// <summary>Who taught; null where nobody did. Added after the first files of version 1.</summary>
    public TeacherManifest? Distillation { get; init; }

    /// <summary>In which numbers the weights are written; added after the first files of version 1.</summary>
    public WeightPrecision WeightPrecision { get; init; }

    /// <summary>Which views are scored, as <see cref="MlNetFineTune.TestTimeAugmentation"/> writes itself; added after the first files of version 1.</summary>
    public string TestTimeAugmentation { get; init; } = MlNetFineTune.TestTimeAugmentation.None.ToString();

    public required ProbeMismatch OnProbeMismatch { get; init; }

    /// <summary>Probabilities of the probe picture (<see cref="Probe"/>), where the model was trained.</summary>
    public required IReadOnlyList<float> ProbeScores { get; init; }

    /// <summary>Of the file with the weights, in lower-case hexadecimal; null until it is written.</summary>
    public string? WeightsSha256 { get; init; }

    /// <exception cref="ArgumentException">There are no such views.</exception>
    public IReadOnlyList<Augmentation> ScoringViews() => MlNetFineTune.TestTimeAugmentation.FromText(TestTimeAugmentation).Views(Backbone.Preprocessing);
}

internal sealed record ColumnManifest(
    string Label, string Image, string? ImageFolder, string Score, string PredictedLabel, RawPixels? RawPixels = null, string? ImageStatus = null)
{
    [JsonIgnore]
    public ImageInput Input => new(Image, ImageFolder, RawPixels);
}

/// <summary>How good the model was on its validation rows.</summary>
internal sealed record TrainingManifest(int Rows, int ValidationRows, int EpochsRun, int BestEpoch, double? ValidationLoss, double? ValidationAccuracy, double? ValidationRootMeanSquaredError = null)
{
    public static TrainingManifest Of(TrainingReport report)
    {
        var best = report.BestEpoch > 0 ? report.Epochs[report.BestEpoch - 1] : null;
        if (report.Averaged is { } average)
            return new(report.TrainingRows, report.ValidationRows, report.Epochs.Count, report.BestEpoch, average.ValidationLoss, average.ValidationAccuracy, average.ValidationRootMeanSquaredError);
        return new(report.TrainingRows, report.ValidationRows, report.Epochs.Count, report.BestEpoch, best?.ValidationLoss, best?.ValidationAccuracy, best?.ValidationRootMeanSquaredError);
    }
}
