using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Transforms;

/// <summary>The identity: a feature extractor has no head.</summary>
/// <param name="features">Number of features of the backbone.</param>
internal sealed class FeatureHead(int features) : NetworkHead(nameof(FeatureHead))
{
    public override int Outputs => features;

    public override Tensor forward(Tensor input) => input.alias();

    public override void Initialize(long seed)
    {
    }

    public override GraphValue Write(NetworkGraph graph, GraphValue input) => input;
}
