using System.Text.Json.Serialization;
using MlNetFineTune.Backbones;
using MlNetFineTune.Rows;

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

    public required ColumnManifest Columns { get; init; }

    /// <summary>In the order of the scores.</summary>
    public required IReadOnlyList<string> Classes { get; init; }

    /// <summary>The options of the training, as text; for people, never read back.</summary>
    public required IReadOnlyDictionary<string, string> Options { get; init; }

    public required long Seed { get; init; }

    /// <summary>Torch threads of the training: the same seed and thread count give the same model on the same CPU.</summary>
    public required int Threads { get; init; }

    public required TrainingManifest Training { get; init; }

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

/// <summary>The network without its numbers. <c>ScriptSha256</c>, added after the first files of version 1, says that the network is a TorchScript program in the same zip.</summary>
internal sealed record BackboneManifest(
    string Name, string? SourceWeights, ImagePreprocessing Preprocessing, ConvolutionPadding Padding, double BatchNormEpsilon, int InputChannels = 3, string? ScriptSha256 = null)
{
    public static BackboneManifest Of(Backbone backbone) => new(
        backbone.Name, backbone.WeightsOrigin, backbone.Preprocessing, backbone.Padding, backbone.Recipe.Epsilon, backbone.InputChannels, backbone.Script?.Sha256);

    /// <param name="script">The program; null where the manifest names none.</param>
    public Backbone ToBackbone(byte[]? script) => BatchNormEpsilon > 0 && double.IsFinite(BatchNormEpsilon)
        ? (script is null ? Backbone.FromName(Name).FromScratch() : Backbone.OfScript(new TorchScript(script, SourceWeights ?? Name, Preprocessing), SourceWeights)) with
        {
            Recipe = new WeightsRecipe(Preprocessing, Padding, BatchNormEpsilon),
            InputChannels = InputChannels,
        }
        : throw new ArgumentOutOfRangeException(nameof(BatchNormEpsilon), BatchNormEpsilon, "It must be above 0.");
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
        return new(report.TrainingRows, report.ValidationRows, report.Epochs.Count, report.BestEpoch, best?.ValidationLoss, best?.ValidationAccuracy, best?.ValidationRootMeanSquaredError);
    }
}
