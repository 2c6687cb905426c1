using MlNetFineTune.Networks;

namespace MlNetFineTune.Training;

/// <summary>What must be known of a network's adapters to fill them from a file.</summary>
/// <param name="Rank">1 to 1024.</param>
/// <param name="Alpha">Above 0.</param>
/// <param name="Layers">Names of the adapted layers.</param>
internal sealed record AdapterDescription(int Rank, float Alpha, IReadOnlyList<string> Layers)
{
    /// <summary>Adds the adapters, all zero, to a network that has none.</summary>
    /// <exception cref="ArgumentException">The description makes no sense for this network.</exception>
    public void Attach(FineTunedNetwork network)
    {
        _ = Adapter.Lora(Rank, Alpha); // checks the numbers
        Adapter.LoraAdapter.Attach(network, Layers, Rank, Alpha, dropout: 0);
    }
}
