using System.Runtime.InteropServices;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>Puts modules of a user's into a network, and finds out with a dry run on two black pictures
/// whether the layers around them fit.</summary>
internal static class StageReplacement
{
    private const int Pictures = 2;

    /// <param name="network">The network, on the CPU.</param>
    /// <param name="name">Name of the network, for messages.</param>
    /// <param name="changes">The changes that replace a stage.</param>
    /// <param name="pixels">Shape of the network's input: [channels, height, width].</param>
    /// <param name="seed">Seed of the modules' initial weights.</param>
    /// <exception cref="InvalidOperationException">A factory failed.</exception>
    /// <exception cref="ArgumentException">The module that a factory created does not fit.</exception>
    public static void Apply(BackboneNetwork network, string name, IReadOnlyList<StageChange> changes, long[] pixels, long seed)
    {
        if (changes.Count == 0)
            return;
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        network.eval();
        var old = new List<long[]>(); // shape of each stage's output before pooling
        var maps = zeros([Pictures, .. pixels], Parameters.Type);
        foreach (var stage in network.Stages)
            old.Add((maps = stage.Maps.Forward(maps)).shape);

        maps = zeros([Pictures, .. pixels], Parameters.Type);
        StageChange? last = null;
        for (var i = 0; i < network.Stages.Count; i++)
        {
            if (changes.FirstOrDefault(change => change.Stage == network.Stages[i].Name) is { } change)
            {
                last = change;
                var context = new ModuleContext(
                    [new ModuleContext.InputShape(change.Stage, maps.shape[1..])], (int)(old[i].Length == 3 ? old[i][2] : old[i][1]));
                network.Replace(i, Make(change, context, seed, i));
            }
            maps = Run(network.Stages[i], maps, last, name, old[i]);
        }
        network.SetFeatures(maps.ndim == 3 ? maps.shape[2] : maps.shape[1]); // tokens [N, T, C], where the head pools them
    }

    /// <summary>Gives stages the weights that a new network would have.</summary>
    /// <param name="network">The network, whose other weights stay.</param>
    /// <param name="stages">Names of the stages.</param>
    /// <param name="other">The same architecture with new random weights.</param>
    public static void Reinitialize(BackboneNetwork network, IReadOnlyCollection<string> stages, BackboneNetwork other)
    {
        using var noGradients = no_grad();
        var fresh = other.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor, StringComparer.Ordinal);
        foreach (var (name, tensor) in network.NamedTensors()
            .Where(named => stages.Contains(network.Stages[network.StageOf(named.Name)].Name)))
            tensor.copy_(fresh[name]);
    }

    private static nn.Module<Tensor, Tensor> Make(StageChange change, ModuleContext context, long seed, int stage)
    {
        var made = ModuleMaker.Make(change.Replacement!.Factory, $"module '{change.Replacement.Contract.Name}'", context, seed,
            RandomStream.StageWeights, stage);
        var fault = made is not nn.Module<Tensor, Tensor>
            ? $"is a {made.GetType()}; in the place of a stage it must be a {nameof(nn)}.Module<Tensor, Tensor>"
            : made.named_parameters().Select(named => (named.name, tensor: (Tensor)named.parameter))
                .Concat(made.named_buffers().Select(named => (named.name, tensor: named.buffer)))
                .FirstOrDefault(named => named.tensor.dtype is not (ScalarType.Float32 or ScalarType.Int64)) is (var name, { } tensor)
                    ? $"has the tensor '{name}' of {tensor.dtype}; only Float32 and Int64 can be saved"
                        + ModuleMaker.AdviceOn(tensor.dtype).TrimEnd('.')
            : null;
        made.eval();
        if (fault is null)
            return (nn.Module<Tensor, Tensor>)made;
        made.Dispose();
        throw new ArgumentException($"What the factory of {Who(change)} made {fault}.");
    }

    private static Tensor Run(Stage stage, Tensor maps, StageChange? last, string network, long[] old)
    {
        Tensor output;
        try
        {
            output = stage.Forward(maps);
        }
        catch (Exception e) when (last is not null && e is ExternalException or ArgumentException or InvalidOperationException
            or IndexOutOfRangeException)
        {
            throw new ArgumentException(last!.Stage == stage.Name
                ? $"{Who(last)} fails on an input of shape {Text(maps.shape)}: {FirstLine(e)}"
                : $"{Who(last)} does not fit the layers above it in {network}: stage '{stage.Name}' cannot take {Text(maps.shape)}. "
                    + $"{FirstLine(e)}", e);
        }
        if (last?.Stage != stage.Name)
            return output;
        var shape = output.shape;
        return output.dtype == ScalarType.Float32 && shape.Length > 1 && shape[0] == Pictures && output.numel() > 0
            && (stage.Pool is null ? shape.Length == old.Length : shape.Length == 2)
            ? output
            : throw new ArgumentException(
                $"{Who(last)} gives {output.dtype} of shape {Text(shape)} for an input of shape {Text(maps.shape)}; "
                + $"the layers in whose place it is gave Float32 of shape {Text(old)}.");
    }

    private static string Who(StageChange change) => $"Module '{change.Replacement!.Contract.Name}' in the place of stage '{change.Stage}'";

    private static string Text(long[] shape) => $"[{string.Join(", ", shape)}]";

    private static string FirstLine(Exception e) => e.Message.Split('\n')[0].Trim();
}
