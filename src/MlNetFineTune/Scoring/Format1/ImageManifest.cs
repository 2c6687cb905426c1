using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using MlNetFineTune.Training;

namespace MlNetFineTune.Scoring.Format1;

/// <summary>
/// The manifest of image classifiers in format version 1. Properties added after the first files of that version: <c>Distillation</c>;
/// <c>RawPixels</c>, <c>ImageStatus</c>; <c>WeightPrecision</c>; <c>TestTimeAugmentation</c>; <c>Calibration</c>.
/// </summary>
internal sealed record ImageManifest
{
    public required int FormatVersion { get; init; }

    public required IReadOnlyDictionary<string, string> Packages { get; init; }

    public required BackboneManifest Backbone { get; init; }

    public AdapterDescription? Adapter { get; init; }

    public required ColumnManifest Columns { get; init; }

    public required IReadOnlyList<string> Classes { get; init; }

    public required IReadOnlyDictionary<string, string> Options { get; init; }

    public required long Seed { get; init; }

    public required int Threads { get; init; }

    public required TrainingManifest Training { get; init; }

    public Calibration.Report? Calibration { get; init; }

    public TeacherManifest? Distillation { get; init; }

    public WeightPrecision WeightPrecision { get; init; }

    public string TestTimeAugmentation { get; init; } = MlNetFineTune.TestTimeAugmentation.None.Code;

    public required ProbeMismatch OnProbeMismatch { get; init; }

    public required IReadOnlyList<float> ProbeScores { get; init; }

    public string? WeightsSha256 { get; init; }

    public ModelManifest ToCurrent() => new()
    {
        FormatVersion = ModelManifest.CurrentVersion,
        Packages = Packages,
        Input = new ImageInputManifest(
            Columns.Image, Columns.ImageFolder, Columns.RawPixels, Backbone.Preprocessing, Backbone.InputChannels),
        Encoder = Backbone,
        Adapter = Adapter,
        Task = new MulticlassManifest(
            new TaskColumns(Columns.Label, Columns.Score, Columns.PredictedLabel, Status: Columns.ImageStatus), Classes, Calibration),
        Options = Options,
        Seed = Seed,
        Threads = Threads,
        Training = Training.ToCurrent(),
        Distillation = Distillation,
        WeightPrecision = WeightPrecision,
        TestTimeAugmentation = TestTimeAugmentation,
        OnProbeMismatch = OnProbeMismatch,
        ProbeScores = ProbeScores,
        WeightsSha256 = WeightsSha256,
    };
}

internal sealed record ColumnManifest(
    string Label, string Image, string? ImageFolder, string Score, string PredictedLabel, RawPixels? RawPixels = null,
    string? ImageStatus = null);

internal sealed record TrainingManifest(
    int Rows, int ValidationRows, int EpochsRun, int BestEpoch, double? ValidationLoss, double? ValidationAccuracy,
    double? ValidationRootMeanSquaredError = null)
{
    public Scoring.TrainingManifest ToCurrent()
    {
        var metrics = new Dictionary<string, double>(StringComparer.Ordinal);
        if (ValidationAccuracy is { } accuracy)
            metrics[Metric.Accuracy.Name] = accuracy;
        if (ValidationRootMeanSquaredError is { } error)
            metrics[Metric.RootMeanSquaredError.Name] = error;
        return new(Rows, ValidationRows, EpochsRun, BestEpoch, ValidationLoss, metrics);
    }
}
