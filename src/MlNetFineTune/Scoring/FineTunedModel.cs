using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Scoring;

/// <summary>A trained network with everything that scoring and saving need.</summary>
/// <param name="Network">The network, prepared for scoring. The transformer takes ownership.</param>
/// <param name="Input">Input of the network.</param>
/// <param name="Task">The task, which interprets the outputs.</param>
/// <param name="Manifest">Manifest of the model file.</param>
internal sealed record FineTunedModel(FineTunedNetwork Network, ModelInput Input, BoundTask Task, ModelManifest Manifest)
{
    /// <summary>Calibrated conformal prediction; null without it.</summary>
    public ConformalModel? Conformal { get; init; }

    /// <summary>The values that are computed for each row.</summary>
    public ScoreFunction Function => ScoreFunction.Of(Task.Scoring, Conformal?.Nearest);

    /// <summary>The columns that are added to the data.</summary>
    public ScoreColumns Columns => Conformal?.Columns ?? Task.Columns;

    /// <summary>The views of a picture that are scored.</summary>
    /// <exception cref="ArgumentException">The manifest has no valid views.</exception>
    public IReadOnlyList<Augmentation> Views => ViewsOf(Manifest, Input);

    /// <inheritdoc cref="Views"/>
    public static IReadOnlyList<Augmentation> ViewsOf(ModelManifest manifest, ModelInput input)
    {
        var augmentation = TestTimeAugmentation.FromCode(manifest.TestTimeAugmentation);
        return input is { Preprocessing: { } preprocessing } ? augmentation.Views(preprocessing)
            : augmentation == TestTimeAugmentation.None ? [Augmentation.None]
            : throw new ArgumentException($"{augmentation} makes views of a picture, and no picture flows through the network.");
    }
}
