using MlNetFineTune.Primitives;

namespace MlNetFineTune.Transforms;

/// <summary>A pooling, as a model file describes it.</summary>
/// <param name="Kind">Name of the choice in <see cref="FeaturePooling"/>.</param>
/// <param name="Power">Of the generalised mean.</param>
/// <param name="Stages">Of several scales.</param>
/// <param name="Sizes">Of several scales.</param>
/// <param name="Of">How each of several scales is pooled.</param>
internal sealed record PoolingManifest(
    string Kind, float? Power = null, IReadOnlyList<string>? Stages = null, IReadOnlyList<int>? Sizes = null, PoolingManifest? Of = null)
{
    /// <exception cref="ArgumentException">There is no such pooling.</exception>
    public FeaturePooling Create() => Kind switch
    {
        nameof(FeaturePooling.Native) => FeaturePooling.Native,
        nameof(FeaturePooling.Average) => FeaturePooling.Average,
        nameof(FeaturePooling.Max) => FeaturePooling.Max,
        nameof(FeaturePooling.AverageAndMax) => FeaturePooling.AverageAndMax,
        nameof(FeaturePooling.GeneralizedMean) when Power is { } power => FeaturePooling.GeneralizedMean(power),
        nameof(FeaturePooling.ClassToken) => FeaturePooling.ClassToken,
        nameof(FeaturePooling.MultiScale) when Of is { Kind: not nameof(FeaturePooling.MultiScale) } pooling =>
            FeaturePooling.MultiScale(Stages, Sizes, pooling.Create()),
        _ => throw new ArgumentException($"there is no pooling {SafeText.Quoted(Kind)} with such values"),
    };
}
