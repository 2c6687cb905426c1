using System.Text.Json.Serialization;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Transforms;

/// <summary>Description of a pooling in a model file.</summary>
/// <param name="Kind">Name of the member of <see cref="FeaturePooling"/>.</param>
/// <param name="Power">Exponent of the generalised mean.</param>
/// <param name="Stages">Stages of the multi-scale pooling.</param>
/// <param name="Sizes">Sizes of the multi-scale pooling.</param>
/// <param name="Of">Pooling of each scale.</param>
/// <param name="Heads">Heads of the attention pooling.</param>
internal sealed record PoolingManifest(
    string Kind, float? Power = null, IReadOnlyList<string>? Stages = null, IReadOnlyList<int>? Sizes = null, PoolingManifest? Of = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Heads = null)
{
    /// <exception cref="ArgumentException">The pooling is not valid.</exception>
    public FeaturePooling Create() => Kind switch
    {
        nameof(FeaturePooling.Native) => FeaturePooling.Native,
        nameof(FeaturePooling.Average) => FeaturePooling.Average,
        nameof(FeaturePooling.Max) => FeaturePooling.Max,
        nameof(FeaturePooling.AverageAndMax) => FeaturePooling.AverageAndMax,
        nameof(FeaturePooling.GeneralizedMean) when Power is { } power => FeaturePooling.GeneralizedMean(power),
        nameof(FeaturePooling.ClassToken) => FeaturePooling.ClassToken,
        nameof(FeaturePooling.Attention) when Heads is > 0 and { } heads => new FeaturePooling.LearnedAttention(heads),
        nameof(FeaturePooling.MultiScale) when Of is { Kind: not nameof(FeaturePooling.MultiScale) } pooling =>
            FeaturePooling.MultiScale(Stages, Sizes, pooling.Create()),
        _ => throw new ArgumentException($"there is no pooling {SafeText.Quoted(Kind)} with such values"),
    };
}
