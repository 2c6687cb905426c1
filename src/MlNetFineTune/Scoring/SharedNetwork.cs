using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Scoring;

/// <summary>A network shared by several transformers with different views. It is freed with the last of them.</summary>
/// <param name="network">The network; ownership is transferred.</param>
/// <param name="input">Input of the network.</param>
internal sealed class SharedNetwork(FineTunedNetwork network, ModelInput input) : SharedResource
{
    public FineTunedNetwork Network { get; } = network;

    public Collator Collator { get; } = input.CreateCollator(network.Device);

    protected override void Free()
    {
        Collator.Dispose();
        Network.Dispose();
    }
}
