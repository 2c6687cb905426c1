using MlNetFineTune.Networks;

namespace MlNetFineTune.Training;

/// <summary>The description of a network's adapters in a file.</summary>
/// <param name="Rank">The rank, 1 to 1024.</param>
/// <param name="Alpha">The scale, above 0.</param>
/// <param name="Layers">Names of the adapted layers.</param>
internal sealed record AdapterDescription(int Rank, float Alpha, IReadOnlyList<string> Layers)
{
    /// <summary>Adds adapters with zero weights to a network without adapters.</summary>
    /// <exception cref="ArgumentException">The description does not fit the network.</exception>
    public void Attach(FineTunedNetwork network)
    {
        _ = Adapter.Lora(Rank, Alpha); // validates the numbers
        Adapter.LoraAdapter.Attach(network, Layers, Rank, Alpha, dropout: 0);
    }
}
