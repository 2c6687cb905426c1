using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;

namespace MlNetFineTune.Transforms;

/// <summary>A frozen network with everything needed for extraction and saving.</summary>
/// <param name="Network">The network, prepared for scoring. The transformer takes ownership.</param>
/// <param name="Input">Input of the network.</param>
/// <param name="Plan">The pooling, resolved for the network.</param>
/// <param name="Manifest">Manifest of the model file.</param>
internal sealed record FeatureModel(ImageNetwork Network, ModelInput Input, FeaturePlan Plan, FeatureManifest Manifest)
{
    /// <summary>Creates the function that computes the features of a batch.</summary>
    public static ScoreFunction FunctionOf(FeaturePlan plan) => new(plan.Names.Count, (network, inputs) =>
        plan.Compute((ImageNetwork)network, ScaledImageInput.PicturesOf(inputs, plan.Sizes)))
    {
        Missing = "features are missing (NaN)",
        Owner = nameof(ImageFeaturesTransformer),
    };
}
