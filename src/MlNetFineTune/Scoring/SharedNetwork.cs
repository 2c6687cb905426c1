using MlNetFineTune.Data;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Scoring;

/// <summary>A network shared by several transformers with different views. It is freed with the last of them.</summary>
/// <param name="network">The network; ownership is transferred.</param>
/// <param name="input">Input of the network.</param>
internal sealed class SharedNetwork(FineTunedNetwork network, ModelInput input)
{
    private int _users;

    public FineTunedNetwork Network { get; } = network;

    public Collator Collator { get; } = input.CreateCollator(network.Device);

    public void Join() => Interlocked.Increment(ref _users);

    public void Leave()
    {
        if (Interlocked.Decrement(ref _users) > 0)
            return;
        Collator.Dispose();
        Network.Dispose();
    }
}
