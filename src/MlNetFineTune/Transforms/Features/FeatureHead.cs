using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Transforms;

/// <summary>No layer at all: a network that gives features has no head.</summary>
/// <param name="features">Of the backbone.</param>
internal sealed class FeatureHead(int features) : NetworkHead(nameof(FeatureHead))
{
    public override int Outputs => features;

    public override Tensor forward(Tensor input) => input.alias();

    public override void Initialize(long seed)
    {
    }

    public override GraphValue Write(NetworkGraph graph, GraphValue input) => input;
}
