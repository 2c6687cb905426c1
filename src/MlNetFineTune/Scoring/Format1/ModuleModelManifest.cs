using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Scoring.Format1;

/// <summary>The manifest of modules in format version 1.</summary>
internal sealed record ModuleModelManifest
{
    public required int FormatVersion { get; init; }

    public required IReadOnlyDictionary<string, string> Packages { get; init; }

    public required ModuleContract Module { get; init; }

    public required ModuleTaskManifest Task { get; init; }

    public required IReadOnlyList<ModuleInputManifest> Inputs { get; init; }

    public required IReadOnlyList<string> Classes { get; init; }

    public required IReadOnlyDictionary<string, string> Options { get; init; }

    public required long Seed { get; init; }

    public required int Threads { get; init; }

    public required TrainingManifest Training { get; init; }

    public Calibration.Report? Calibration { get; init; }

    public WeightPrecision WeightPrecision { get; init; }

    public required ProbeMismatch OnProbeMismatch { get; init; }

    public required IReadOnlyList<float> ProbeScores { get; init; }

    public string? WeightsSha256 { get; init; }

    /// <exception cref="ArgumentException">Its values contradict each other.</exception>
    public ModelManifest ToCurrent() => new()
    {
        FormatVersion = ModelManifest.CurrentVersion,
        Packages = Packages,
        Input = Inputs.Count > 0 && Inputs.All(input => input is not null)
            ? new TableInputManifest([.. Inputs.Select(input => input.ToCurrent())])
            : throw new ArgumentException("it has no inputs"),
        Encoder = new ModuleManifest(Module),
        Task = Task.ToCurrent(Classes, Calibration),
        Options = Options,
        Seed = Seed,
        Threads = Threads,
        Training = Training.ToCurrent(),
        WeightPrecision = WeightPrecision,
        OnProbeMismatch = OnProbeMismatch,
        ProbeScores = ProbeScores,
        WeightsSha256 = WeightsSha256,
    };
}

internal sealed record ModuleTaskManifest(
    string Kind, string Label, string Score, string? Probability = null, string? PredictedLabel = null)
{
    public TaskManifest ToCurrent(IReadOnlyList<string> classes, Calibration.Report? calibration) =>
        (Kind, Probability, PredictedLabel) switch
        {
            ("Multiclass", _, { } predicted) => new MulticlassManifest(new TaskColumns(Label, Score, predicted), classes, calibration),
            ("Binary", { } probability, { } predicted) =>
                new BinaryManifest(new TaskColumns(Label, Score, predicted, probability), calibration),
            ("Regression", _, _) => new RegressionManifest(new TaskColumns(Label, Score)),
            _ => throw new ArgumentException($"there is no task {SafeText.Of(ToString(), SafeText.SentenceLength)}"),
        };
}

internal sealed record ModuleInputManifest(
    string Column, IReadOnlyList<long> Dimensions, int KeyCount, ImagePreprocessing? Picture = null, string? Folder = null)
{
    public InputManifest ToCurrent() =>
        Picture is not { Size: var side } ? new NumberInputManifest(Column, Dimensions, KeyCount)
        : Dimensions.SequenceEqual([3, side, side]) ? new ImageInputManifest(Column, Folder, RawPixels: null, Picture)
        : throw new ArgumentException($"there is no input {SafeText.Of(Column)} of {SafeText.Shape(Dimensions)} with {KeyCount} keys");
}
