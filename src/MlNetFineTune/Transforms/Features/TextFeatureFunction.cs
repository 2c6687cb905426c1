using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Transforms;

/// <summary>The pooled token vectors of a text encoder, by default divided by their Euclidean length, as sentence encoders do.</summary>
internal sealed class TextFeatureFunction : FeatureFunction
{
    private readonly bool _normalizes;

    /// <param name="network">The network, which determines the names.</param>
    /// <param name="normalizes">Whether vectors have length 1.</param>
    public TextFeatureFunction(TextNetwork network, bool normalizes)
    {
        _normalizes = normalizes;
        var (stage, kind) = (network.Stages[^1], network.Text.Pooling switch
        {
            TextBackbone.TokenPooling.Mean => "mean",
            TextBackbone.TokenPooling.ClassToken => "token",
            _ => "pooler",
        });
        Names = [.. Enumerable.Range(0, network.Encoder.Features).Select(index => FormattableString.Invariant($"{stage}.{kind}.{index}"))];
    }

    public override Tensor Compute(FineTunedNetwork network, ModelInputs inputs)
    {
        var features = network.ForwardFirst(inputs, network.Stages.Count); // [N, T] -> [N, C]
        return _normalizes ? nn.functional.normalize(features, dim: 1) : features;
    }
}
