using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;

namespace MlNetFineTune.Transforms;

/// <summary>A frozen network with everything needed for extraction and saving.</summary>
/// <param name="Network">The network, prepared for scoring. The transformer takes ownership.</param>
/// <param name="Input">Input of the network.</param>
/// <param name="Function">The function that computes the features.</param>
/// <param name="Manifest">Manifest of the model file.</param>
internal sealed record FeatureModel(FineTunedNetwork Network, ModelInput Input, FeatureFunction Function, FeatureManifest Manifest)
{
    /// <summary>Creates the function that computes the features of a batch for a scorer.</summary>
    public static ScoreFunction FunctionOf(FeatureFunction function) => new(
        function.Names.Count, (network, inputs, _) => function.Compute(network, inputs))
    {
        Missing = "features are missing (NaN)",
        Owner = nameof(FeaturesTransformer),
    };
}
