using static TorchSharp.torch;

namespace MlNetFineTune.Backbones;

/// <summary>
/// One step of a backbone, from input to output, in the order of computation. Freezing, learning-rate decay and feature caching all speak in stages.
/// </summary>
/// <param name="Name">The name users write, such as <c>layer3</c>.</param>
/// <param name="Modules">The root-level module paths whose tensors belong to the stage, such as <c>conv1</c> and <c>bn1</c>.</param>
/// <param name="Maps">[N, C, H, W] -> [N, C', H', W'], or a transformer's tokens [N, T, C] -> [N, T, C]. Caller disposes; the input is left alone.</param>
internal sealed record Stage(string Name, IReadOnlyList<string> Modules, Func<Tensor, Tensor> Maps)
{
    /// <summary>In the last stage of a network: [N, C', H', W'] -> [N, features], its input left alone.</summary>
    public Func<Tensor, Tensor>? Pool { get; init; }

    /// <summary>[N, C, H, W] -> [N, C', H', W'], or [N, features] in the last stage. Caller disposes; the input is left alone.</summary>
    public Tensor Forward(Tensor input)
    {
        if (Pool is null)
            return Maps(input);
        using var maps = Maps(input);
        return Pool(maps);
    }

    public bool Owns(string tensorName) =>
        Modules.Any(module => tensorName.StartsWith(module, StringComparison.Ordinal)
            && (tensorName.Length == module.Length || tensorName[module.Length] == '.'));
}
