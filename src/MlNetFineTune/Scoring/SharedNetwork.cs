using MlNetFineTune.Data;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Scoring;

/// <summary>A network that several transformers score with, each its own views: it is freed when the last of them is.</summary>
/// <param name="network">Handed over.</param>
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
