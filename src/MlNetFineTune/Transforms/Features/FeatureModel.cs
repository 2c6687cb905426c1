using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;

namespace MlNetFineTune.Transforms;

/// <summary>A frozen network with all that extraction and saving need beside it.</summary>
/// <param name="Network">Ready to score. Handed over to the transformer.</param>
/// <param name="Input">What enters.</param>
/// <param name="Plan">The pooling, resolved for the network.</param>
/// <param name="Manifest">Manifest of its file.</param>
internal sealed record FeatureModel(ImageNetwork Network, ModelInput Input, FeaturePlan Plan, FeatureManifest Manifest)
{
    /// <summary>The features of a batch.</summary>
    public static ScoreFunction FunctionOf(FeaturePlan plan) => new(plan.Names.Count, (network, inputs) =>
        plan.Compute((ImageNetwork)network, ScaledImageInput.PicturesOf(inputs, plan.Sizes)))
    {
        Missing = "features are missing (NaN)",
        Owner = nameof(ImageFeaturesTransformer),
    };
}
