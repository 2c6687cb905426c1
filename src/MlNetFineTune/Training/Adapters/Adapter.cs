using MlNetFineTune.Networks;
using MlNetFineTune.Training;

namespace MlNetFineTune;

/// <summary>
/// Low-rank matrices that are trained instead of a network's weights. With an adapter the pretrained weights do not change; the
/// <see cref="Strategy"/> determines the stages with adapters, their learning rates and when they are trained. The head is trained as
/// usual, and so are replaced and reinitialised layers.
/// </summary>
public abstract partial record Adapter
{
    private Adapter()
    {
    }

    /// <summary>No adapter: the network's weights are trained. The default.</summary>
    public static Adapter None { get; } = new NoAdapter();

    /// <summary>
    /// LoRA (Hu et al. 2021, https://arxiv.org/abs/2106.09685): a layer's weight W becomes <c>W + alpha / rank * B A</c>, with trained
    /// matrices A and B of low rank. B is initialised with zeros, so that the initial outputs are those of the pretrained network. For
    /// scoring the adapters are merged into the layers, without additional cost. Use a higher learning rate than for full fine-tuning.
    /// Requires a strategy that trains a layer below the head.
    /// </summary>
    /// <param name="rank">Rank of the product B A. 1 to 1024. Default 8.</param>
    /// <param name="alpha">The product is scaled by alpha / rank. Above 0. Default 16.</param>
    /// <param name="targets">
    /// The adapted layers, by their names in weight files: <c>"qkv"</c> selects every layer with this last part of the name,
    /// <c>"layer4.*"</c> all in layer4 (a star matches any text). Default null: all. Linear layers and convolutions can be adapted, as in
    /// PEFT, except grouped and depthwise convolutions and layers smaller than their adapter would be. In a module these are TorchSharp's
    /// Linear and Conv2d below the head, which the module must call by <c>layer.call(x)</c>: <c>layer.forward(x)</c> does not run the
    /// adapter's hook, and the first step throws.
    /// </param>
    /// <param name="dropout">Dropout probability of the adapter's inputs in training. At least 0, below 1. Default 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    /// <exception cref="ArgumentException">A target is empty.</exception>
    public static Adapter Lora(int rank = 8, float alpha = 16, IReadOnlyList<string>? targets = null, float dropout = 0) =>
        new LoraAdapter(rank, alpha, targets ?? ["*"], dropout);

    /// <summary>Changes the network.</summary>
    /// <param name="network">The network, on the device on which it trains.</param>
    /// <param name="plan">The plan of the strategy for the unchanged network.</param>
    /// <param name="seed">Seed of random weights.</param>
    /// <param name="log">Receives a message about the changes.</param>
    /// <returns>The plan for the changed network.</returns>
    /// <exception cref="ArgumentException">The adapter does not fit the network, or the strategy trains no adapted layer.</exception>
    internal abstract PlanRules Apply(FineTunedNetwork network, PlanRules plan, long seed, Action<string> log);

    /// <summary>Description of the adapters of a network for its model file; null if it has none.</summary>
    internal virtual AdapterDescription? Describe(FineTunedNetwork network) => null;

    private sealed record NoAdapter : Adapter
    {
        internal override PlanRules Apply(FineTunedNetwork network, PlanRules plan, long seed, Action<string> log) =>
            ChangedPlan.WithFreshLayers(plan, network);

        public override string ToString() => nameof(None);
    }
}
