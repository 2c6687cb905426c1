using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;






namespace MlNetFineTune.Scoring;

/// <summary>What the file of a trained module says about itself. Format version 1, to be changed as <see cref="ModelManifest"/> is.</summary>
internal sealed record ModuleManifest
{
    public const int CurrentVersion = 1;

    public required int FormatVersion { get; init; }

    public required IReadOnlyDictionary<string, string> Packages { get; init; }

    public required ModuleContract Module { get; init; }

    public required ModuleTaskManifest Task { get; init; }

    public required IReadOnlyList<ModuleInputManifest> Inputs { get; init; }

    /// <summary>In the order of the scores; empty where there are none.</summary>
    public required IReadOnlyList<string> Classes { get; init; }

    public required IReadOnlyDictionary<string, string> Options { get; init; }

    public required long Seed { get; init; }

    public required int Threads { get; init; }

    public required TrainingManifest Training { get; init; }

    /// <summary>How probabilities are calibrated; null where they are not. Added after the first files of version 1.</summary>
    public CalibrationReport? Calibration { get; init; }

    /// <summary>In which numbers the weights are written; added after the first files of version 1.</summary>
    public WeightPrecision WeightPrecision { get; init; }

    public required ProbeMismatch OnProbeMismatch { get; init; }

    /// <summary>Scores of the probe row (<see cref="ProbeRow"/>).</summary>
    public required IReadOnlyList<float> ProbeScores { get; init; }

    public string? WeightsSha256 { get; init; }
}

internal sealed record ModuleTaskManifest(string Kind, string Label, string Score, string? Probability = null, string? PredictedLabel = null)
{
    public static ModuleTaskManifest Of(ModuleTask task) => task switch
    {
        MulticlassTask multiclass => new(task.Kind, task.Label, task.Score, PredictedLabel: multiclass.PredictedLabel),
        BinaryTask binary => new(task.Kind, task.Label, task.Score, binary.Probability, binary.PredictedLabel),
        _ => new(task.Kind, task.Label, task.Score),
    };

    public ModuleTask ToTask() => (Kind, Probability, PredictedLabel) switch
    {
        (MulticlassTask.Name, _, { } predicted) => new MulticlassTask(Label, Score, predicted, ClassificationLoss.CrossEntropy(), ClassWeights.None), // scoring asks for no loss
        (BinaryTask.Name, { } probability, { } predicted) => new BinaryTask(Label, Score, probability, predicted, ClassWeights.None),
        (RegressionTask.Name, _, _) => new RegressionTask(Label, Score, RegressionLoss.SquaredError),
        _ => throw new ArgumentException($"there is no task {SafeText.Of(ToString(), SafeText.SentenceLength)}"),
    };
}

/// <summary>An input and its shape.</summary>
internal sealed record ModuleInputManifest(string Column, IReadOnlyList<long> Dimensions, int KeyCount, ImagePreprocessing? Picture = null, string? Folder = null)
{
    public static ModuleInputManifest Of(ModuleInput input, ModuleInputShape shape) => input is ModuleInput.PictureInput picture
        ? new(shape.Column, shape.Dimensions, shape.KeyCount, picture.Preprocessing, picture.Folder)
        : new(shape.Column, shape.Dimensions, shape.KeyCount);

    public ModuleInput ToInput() => Picture is { } preprocessing ? ModuleInput.Image(Column, preprocessing, Folder) : ModuleInput.Column(Column, [.. Dimensions]);

    public ModuleInputShape ToShape()
    {
        var size = Dimensions.Aggregate(1m, (product, dimension) => dimension > 0 && product <= int.MaxValue ? product * dimension : decimal.MaxValue);
        return size <= Array.MaxLength / sizeof(float) && KeyCount >= 0 && (Picture is not { Size: var side } || Dimensions.SequenceEqual([3, side, side]))
            ? new(Column, Dimensions, KeyCount)
            : throw new ArgumentException($"there is no input {SafeText.Of(Column)} of {SafeText.Shape(Dimensions)} with {KeyCount} keys");
    }
}
