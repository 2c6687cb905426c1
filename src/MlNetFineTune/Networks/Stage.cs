using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// One step of a backbone, from input to output, in the order of computation.
/// Stages are the unit of freezing, layer-wise learning-rate decay and feature caching.
/// </summary>
/// <param name="Name">The name users write, such as <c>layer3</c>.</param>
/// <param name="Modules">The root-level module paths whose tensors belong to the stage, such as <c>conv1</c> and <c>bn1</c>.</param>
/// <param name="Maps">[N, C, H, W] -> [N, C', H', W'], or a transformer's tokens [N, T, C] -> [N, T, C].</param>
/// <param name="Pool">Pooling after the last stage of a network, where its layers do not pool: [N, C', H', W'] -> [N, features].</param>
internal sealed record Stage(string Name, IReadOnlyList<string> Modules, Computation Maps, Computation? Pool = null)
{
    /// <summary>Whether <see cref="Maps"/> outputs feature maps or tokens; false if its own layers average over positions.</summary>
    public bool GivesMaps { get; init; } = true;

    /// <summary>
    /// What a head that pools itself applies to the result of <see cref="Maps"/>, at each position: the final norm of ConvNeXt, which its
    /// own pooling applies after the average. Default null: nothing.
    /// </summary>
    public Computation? Norm { get; init; }

    /// <summary>The stage without its pooling, for a head that pools itself.</summary>
    public Stage WithoutPool() => new(Name, Modules, Norm is null ? Maps : Maps.Then(Norm))
    {
        GivesMaps = GivesMaps,
        Attention = Attention,
    };

    private readonly Computation _all = Pool is null ? Maps : Maps.Then(Pool);

    /// <summary>
    /// Computes the weights of the stage's self-attention, averaged over its heads, from the stage's input: [N, T, C] -> [N, T, T]. The
    /// caller disposes them. Null if the stage has no self-attention or it is not supported.
    /// </summary>
    public Func<Tensor, Tensor>? Attention { get; init; }

    /// <summary>Caller disposes the result; the input is left alone.</summary>
    public Tensor Forward(Tensor input) => _all.Forward(input);

    /// <summary>The same as operators.</summary>
    public GraphValue Write(NetworkGraph graph, GraphValue input) => _all.Write(graph, input);

    public bool Owns(string tensorName) =>
        Modules.Any(module => tensorName.StartsWith(module, StringComparison.Ordinal)
            && (tensorName.Length == module.Length || tensorName[module.Length] == '.'));
}
