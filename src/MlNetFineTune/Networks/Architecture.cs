using System.Collections.Concurrent;
using MlNetFineTune.Primitives;
using MlNetFineTune.WeightFiles;

namespace MlNetFineTune.Networks;

/// <summary>A network that this library can build: its name, the module name of its original
/// classifier, the default recipe, and its factory.</summary>
internal sealed record Architecture(
    string Name, string Classifier, WeightsRecipe DefaultRecipe, Func<WeightsRecipe, BackboneNetwork> Create)
{
    private static readonly ConcurrentDictionary<string, Facts> s_known = new(StringComparer.Ordinal);

    /// <summary>Names of the stages, from input to output.</summary>
    public IReadOnlyList<string> Stages => Script?.Stages ?? Known.Stages;

    /// <summary>The stages up to the last one that gives maps or tokens.</summary>
    public IReadOnlyList<string> StagesWithMaps => [.. Known.Stages.Take(Known.StagesWithMaps)];

    /// <summary>The network's tensors: shapes by name, with the usual input.</summary>
    public IReadOnlyDictionary<string, long[]> Tensors => Known.Tensors;

    /// <summary>Name of the weight of the first convolution; null for a TorchScript program, where it is unknown.</summary>
    public string? FirstConvolution => Script is null ? Known.FirstConvolution : null;

    /// <summary>Widths of the groups of channels that can be pruned, by name.</summary>
    public IReadOnlyDictionary<string, int> ChannelWidths => Known.ChannelWidths;

    /// <summary>The name under which its weights are published, where another pooling gives this architecture another name.</summary>
    public string PublishedName { get; init; } = Name;

    /// <summary>Whether weights may ask for TensorFlow's padding. Not so for ResNets, whose pooling would need it too.</summary>
    public bool PadsAsTensorFlow { get; init; }

    /// <summary>timm's name of the network, which the files of a hub use, where it differs.</summary>
    public string? NameInTimm { get; init; }

    /// <summary>How random weights are drawn; one of <see cref="Initialization"/>'s rules.</summary>
    public Func<string, long[], Distribution?> InitialWeights { get; init; } = Initialization.HeFanOut;

    /// <summary>Tensor names of other libraries; a weight file in one of these namings loads as well.</summary>
    public IReadOnlyList<NameMap> OtherNames { get; init; } = [];

    /// <summary>What weights in another library's naming presuppose, by <see cref="NameMap.Naming"/>;
    /// <see cref="DefaultRecipe"/> where it is not here.</summary>
    public IReadOnlyDictionary<string, WeightsRecipe> OtherRecipes { get; init; } = new Dictionary<string, WeightsRecipe>();

    /// <summary>Parameters, multiply-adds and features at the default size; 0 where the architecture is not listed.</summary>
    public Costs Costs { get; init; }

    /// <summary>Tensors that files of these weights may contain besides the network's,
    /// in its naming: a token that only the pretraining used, for example.</summary>
    public IReadOnlyList<string> Unneeded { get; init; } = [];

    /// <summary>The TorchScript program that is this network; null for the built-in networks.</summary>
    public TorchScript? Script { get; init; }

    /// <summary>Width and height of the input in pixels must be a multiple of it: the patch size of a transformer.</summary>
    public int SizeMultiple { get; init; } = 1;

    /// <summary>Name, costs and default size, for a list.</summary>
    public Backbone.Info Info =>
        new(Name, Costs.Parameters, Costs.MultiplyAdds, DefaultRecipe.Preprocessing.Size, Costs.Features);

    /// <summary>What weights in this naming presuppose where the file does not say it; null where it is
    /// <see cref="DefaultRecipe"/>.</summary>
    public WeightsRecipe? RecipeOf(NameMap? names) => names is null ? null : OtherRecipes.GetValueOrDefault(names.Naming);

    /// <exception cref="ArgumentException">The network cannot take pictures of this size.</exception>
    public ImagePreprocessing Checked(ImagePreprocessing preprocessing) => preprocessing.Size % SizeMultiple == 0
        ? preprocessing
        : throw new ArgumentException(
            $"{Name} cuts pictures into patches of {SizeMultiple} pixels, and {preprocessing.Size} is no multiple of that. "
            + "The nearest sizes are "
            + $"{preprocessing.Size / SizeMultiple * SizeMultiple} and {(preprocessing.Size / SizeMultiple + 1) * SizeMultiple}.");

    /// <exception cref="ArgumentException">The network does not support this padding.</exception>
    public Backbone.ConvolutionPadding Checked(Backbone.ConvolutionPadding padding) =>
        padding == Backbone.ConvolutionPadding.Symmetric || PadsAsTensorFlow
        ? padding
        : throw new ArgumentException($"{Name} pads symmetrically; its weights cannot ask for {padding}.");

    /// <summary>
    /// Whether a file's tensor may stay unused: those of the old classifier, which is replaced, and the counters of BatchNorm,
    /// which matter only without momentum.
    /// </summary>
    public bool MayIgnore(string tensor) =>
        Unneeded.Append(Classifier).Any(module => tensor == module || tensor.StartsWith(module + ".", StringComparison.Ordinal))
        || tensor.EndsWith(".num_batches_tracked", StringComparison.Ordinal);

    /// <summary>
    /// The names of the tensors where a <c>config.json</c> of transformers says this <c>model_type</c>;
    /// null where the network is of another kind.
    /// </summary>
    public NameMap? InTransformersAs(string modelType) => OtherNames.FirstOrDefault(names => names.ModelTypes.Contains(modelType));

    private sealed record Facts(
        IReadOnlyList<string> Stages, int StagesWithMaps, IReadOnlyDictionary<string, long[]> Tensors,
        IReadOnlyDictionary<string, int> ChannelWidths, string? FirstConvolution);

    // Only the network itself knows them: it is created once.
    private Facts Known => s_known.GetOrAdd(Name, _ =>
    {
        using var network = Create(DefaultRecipe);
        return new Facts(
            [.. network.Stages.Select(stage => stage.Name)],
            network.Stages.Index().Last(stage => stage.Item.GivesMaps).Index + 1,
            network.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor.shape, StringComparer.Ordinal),
            network.ChannelGroups().ToDictionary(group => group.Name, group => group.Channels.Width, StringComparer.Ordinal),
            network.FirstConvolution);
    });

    /// <summary>Architectures are equal by name, and by program where they have one.</summary>
    public bool Equals(Architecture? other) => other?.Name == Name && other.Script?.Sha256 == Script?.Sha256;

    public override int GetHashCode() => Name.GetHashCode(StringComparison.Ordinal);
}
