using MlNetFineTune;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TabularNetwork;

/// <summary>An embedding for each category, concatenated with the numbers, then two layers. Inputs: numbers first, then keys.</summary>
internal sealed class DeliveryNetwork : nn.Module<Tensor[], Tensor>
{
    private readonly ModuleList<Embedding> _embeddings = [];
    private readonly Sequential _layers;

    public DeliveryNetwork(ModuleContext context, int width, int embedding, double dropout)
        : base(nameof(DeliveryNetwork))
    {
        var numbers = context.Inputs[0].Size;
        foreach (var key in context.Inputs.Skip(1))
            _embeddings.Add(nn.Embedding(key.KeyCount, embedding));
        _layers = nn.Sequential(
            nn.Linear(numbers + embedding * _embeddings.Count, width), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(width, context.Outputs));
        RegisterComponents();
    }

    public override Tensor forward(Tensor[] inputs) =>
        _layers.call(cat([inputs[0], .. _embeddings.Select((embedding, i) => embedding.call(inputs[i + 1]))], dim: 1));
}

/// <summary>The public properties are saved with the model; loading finds the factory by its contract name.</summary>
[ModuleFactory("TabularNetwork.Delivery")]
public sealed class DeliveryNetworkFactory : ModuleFactory
{
    /// <summary>Width of the hidden layers.</summary>
    public int Width { get; init; } = 64;

    /// <summary>Size of the embeddings.</summary>
    public int Embedding { get; init; } = 8;

    /// <summary>Dropout probability.</summary>
    public double Dropout { get; init; } = 0.1;

    /// <inheritdoc/>
    public override nn.Module Create(ModuleContext context) => new DeliveryNetwork(context, Width, Embedding, Dropout);
}
