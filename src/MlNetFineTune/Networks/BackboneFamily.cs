using System.Collections.Concurrent;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Networks;

/// <summary>A network we can build: its name, the name of its original classifier, the usual recipe, and how to make it.</summary>
internal sealed record BackboneFamily(string Name, string Classifier, WeightsRecipe DefaultRecipe, Func<WeightsRecipe, BackboneNetwork> Create)
{
    private static readonly ConcurrentDictionary<string, Facts> s_known = new(StringComparer.Ordinal);

    /// <summary>From input to output.</summary>
    public IReadOnlyList<string> Stages => Script?.Stages ?? Known.Stages;

    /// <summary>The network's tensors: shapes by name, with the usual input.</summary>
    public IReadOnlyDictionary<string, long[]> Tensors => Known.Tensors;

    /// <summary>The weight of the convolution that pictures enter; null where the network cannot tell, being another's program.</summary>
    public string? FirstConvolution => Script is null ? Known.FirstConvolution : null;

    /// <summary>Of the groups of channels that can be pruned, by name.</summary>
    public IReadOnlyDictionary<string, int> ChannelWidths => Known.ChannelWidths;

    /// <summary>The name under which its weights are published, where pooling makes this family another one.</summary>
    public string PublishedName { get; init; } = Name;

    /// <summary>No ResNet was published with TensorFlow's padding, and its pooling would need it too.</summary>
    public bool PadsAsTensorFlow { get; init; }

    /// <summary>timm's name for the network, by which a hub's files call it, where it is another one.</summary>
    public string? NameInTimm { get; init; }

    /// <summary>How random weights are drawn; one of <see cref="Initialization"/>'s rules.</summary>
    public Func<string, long[], Distribution?> InitialWeights { get; init; } = Initialization.HeFanOut;

    /// <summary>How other libraries call the same tensors; a weight file in one of these namings loads as well.</summary>
    public IReadOnlyList<NameMap> OtherNames { get; init; } = [];

    /// <summary>What files of these weights may hold beside the network, by its naming: a token that served the pretraining, say.</summary>
    public IReadOnlyList<string> Unneeded { get; init; } = [];

    /// <summary>The program that is this network; null where we build it.</summary>
    public TorchScript? Script { get; init; }

    /// <summary>The input's size in pixels must be a multiple of it: a transformer's patch.</summary>
    public int SizeMultiple { get; init; } = 1;

    /// <exception cref="ArgumentException">The network cannot take pictures of this size.</exception>
    public ImagePreprocessing Checked(ImagePreprocessing preprocessing) => preprocessing.Size % SizeMultiple == 0
        ? preprocessing
        : throw new ArgumentException(
            $"{Name} cuts pictures into patches of {SizeMultiple} pixels, and {preprocessing.Size} is no multiple of that. The nearest sizes are "
            + $"{preprocessing.Size / SizeMultiple * SizeMultiple} and {(preprocessing.Size / SizeMultiple + 1) * SizeMultiple}.");

    /// <exception cref="ArgumentException">The network cannot pad so.</exception>
    public Backbone.ConvolutionPadding Checked(Backbone.ConvolutionPadding padding) =>
        padding == Backbone.ConvolutionPadding.Symmetric || PadsAsTensorFlow
        ? padding
        : throw new ArgumentException($"{Name} pads symmetrically; its weights cannot ask for {padding}.");

    /// <summary>
    /// Whether a file's tensor may stay unused. The head is made anew, and the counters of BatchNorm are of use only without momentum.
    /// </summary>
    public bool MayIgnore(string tensor) =>
        Unneeded.Append(Classifier).Any(module => tensor == module || tensor.StartsWith(module + ".", StringComparison.Ordinal))
        || tensor.EndsWith(".num_batches_tracked", StringComparison.Ordinal);

    /// <summary>
    /// The names of the tensors where a <c>config.json</c> of transformers says this <c>model_type</c>; null where the network is of
    /// another kind.
    /// </summary>
    public NameMap? InTransformersAs(string modelType) => OtherNames.FirstOrDefault(names => names.ModelTypes.Contains(modelType));

    private sealed record Facts(
        IReadOnlyList<string> Stages, IReadOnlyDictionary<string, long[]> Tensors, IReadOnlyDictionary<string, int> ChannelWidths, string? FirstConvolution);

    // Known only to the network itself, which is therefore made once.
    private Facts Known => s_known.GetOrAdd(Name, _ =>
    {
        using var network = Create(DefaultRecipe);
        return new Facts(
            [.. network.Stages.Select(stage => stage.Name)],
            network.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor.shape, StringComparer.Ordinal),
            network.ChannelGroups().ToDictionary(group => group.Name, group => group.Channels.Width, StringComparer.Ordinal),
            network.FirstConvolution);
    });

    /// <summary>A family is its name, and its program if it has one; the factory is a consequence.</summary>
    public bool Equals(BackboneFamily? other) => other?.Name == Name && other.Script?.Sha256 == Script?.Sha256;

    public override int GetHashCode() => Name.GetHashCode(StringComparison.Ordinal);
}
