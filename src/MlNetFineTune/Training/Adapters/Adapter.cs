using MlNetFineTune.Networks;
using MlNetFineTune.Training;

namespace MlNetFineTune;

/// <summary>
/// Small matrices that train in the place of a network's own weights. Whatever the <see cref="Strategy"/>, the pretrained weights then
/// stay as they are; it says in which stages the adapters are, how fast they learn and when. The head trains as always, and so do
/// layers that were replaced or drawn anew.
/// </summary>
public abstract partial record Adapter
{
    private Adapter()
    {
    }

    /// <summary>No adapter: the network's own weights train. The default.</summary>
    public static Adapter None { get; } = new NoAdapter();

    /// <summary>
    /// LoRA (Hu et al. 2021, https://arxiv.org/abs/2106.09685): a layer's weight W becomes <c>W + alpha / rank * B A</c>, where A and B are
    /// of low rank and train. B begins at zero, so that the first outputs are those of the pretrained network. For scoring the sum is
    /// merged into the layer, which then costs the same as before. Use a higher learning rate than for the weights themselves.
    /// </summary>
    /// <param name="rank">Rank of the product B A. 1 to 1024. Default 8.</param>
    /// <param name="alpha">The product is scaled by alpha / rank. Above 0. Default 16.</param>
    /// <param name="targets">
    /// Which layers, by their names in weight files: <c>"qkv"</c> is every layer of this last name, <c>"layer4.*"</c> all in layer4 (a star
    /// stands for any text). Default: all. Linear layers and convolutions can be adapted, as PEFT does; not those in groups (depthwise ones
    /// too), nor those that the adapter would outweigh: both stay as they are. Of a module they are TorchSharp's own Linear and Conv2d
    /// below the head, which the module must call by <c>layer.call(x)</c>: past <c>layer.forward(x)</c> no hook runs,
    /// and the first step is an error.
    /// </param>
    /// <param name="dropout">Share of the adapter's inputs that are set to zero in a training step. 0 to below 1. Default 0.</param>
    public static Adapter Lora(int rank = 8, float alpha = 16, IReadOnlyList<string>? targets = null, float dropout = 0) =>
        new LoraAdapter(rank, alpha, targets ?? ["*"], dropout);

    /// <summary>Changes the network.</summary>
    /// <param name="network">The network, on the device on which it trains.</param>
    /// <param name="plan">The plan of the strategy for the unchanged network.</param>
    /// <param name="seed">Seed of random weights.</param>
    /// <param name="log">Receives a line about what was done.</param>
    /// <returns>The plan for the network as it is now.</returns>
    /// <exception cref="ArgumentException">The adapter does not fit the network, or the strategy would never train it.</exception>
    internal abstract PlanRules Apply(FineTunedNetwork network, PlanRules plan, long seed, Action<string> log);

    /// <summary>The adapters of a network, for its model file; null where it has none.</summary>
    internal virtual AdapterDescription? Describe(FineTunedNetwork network) => null;

    private sealed record NoAdapter : Adapter
    {
        internal override PlanRules Apply(FineTunedNetwork network, PlanRules plan, long seed, Action<string> log) =>
            ChangedPlan.WithFreshLayers(plan, network);

        public override string ToString() => nameof(None);
    }
}
