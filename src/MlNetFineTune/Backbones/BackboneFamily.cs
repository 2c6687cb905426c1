using System.Collections.Concurrent;

namespace MlNetFineTune.Backbones;

/// <summary>A network we can build: its name, the name of its original classifier, the usual recipe, and how to make it.</summary>
internal sealed record BackboneFamily(string Name, string Classifier, WeightsRecipe DefaultRecipe, Func<WeightsRecipe, BackboneNetwork> Create)
{
    private static readonly ConcurrentDictionary<string, IReadOnlyList<string>> s_stages = new(StringComparer.Ordinal);

    /// <summary>From input to output. Known only to the network itself, which is therefore made once.</summary>
    public IReadOnlyList<string> Stages => Script?.Stages ?? s_stages.GetOrAdd(Name, _ =>
    {
        using var network = Create(DefaultRecipe);
        return [.. network.Stages.Select(stage => stage.Name)];
    });

    /// <summary>No ResNet was published with TensorFlow's padding, and its pooling would need it too.</summary>
    public bool PadsAsTensorFlow { get; init; }

    /// <summary>timm's name for the network, by which a hub's files call it, where it is another one.</summary>
    public string? NameInTimm { get; init; }

    /// <summary>How random weights are drawn; one of <see cref="Initialization"/>'s rules.</summary>
    public Func<string, long[], Distribution?> InitialWeights { get; init; } = Initialization.HeFanOut;

    /// <summary>How other libraries call the same tensors; a weight file in one of these namings loads as well.</summary>
    public IReadOnlyList<NameMap> OtherNames { get; init; } = [];

    /// <summary>The program that is this network; null where we build it.</summary>
    public TorchScript? Script { get; init; }

    /// <exception cref="ArgumentException">The network cannot pad so.</exception>
    public ConvolutionPadding Checked(ConvolutionPadding padding) => padding == ConvolutionPadding.Symmetric || PadsAsTensorFlow
        ? padding
        : throw new ArgumentException($"{Name} pads symmetrically; its weights cannot ask for {padding}.");

    /// <summary>A family is its name, and its program if it has one; the factory is a consequence.</summary>
    public bool Equals(BackboneFamily? other) => other?.Name == Name && other.Script?.Sha256 == Script?.Sha256;

    public override int GetHashCode() => Name.GetHashCode(StringComparison.Ordinal);
}
