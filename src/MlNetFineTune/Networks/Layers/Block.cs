using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>A repeated unit of a backbone, made of normalised convolutions.</summary>
internal abstract class Block(string name) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>What <c>forward</c> computes in inference mode, as operators.</summary>
    public abstract GraphValue Write(NetworkGraph graph, GraphValue input);

    /// <summary>Runs steps one after another. Caller disposes the result; the input is left alone.</summary>
    internal static Tensor Chain(Tensor input, params ReadOnlySpan<ConvNorm> steps)
    {
        var current = steps[0].Forward(input);
        foreach (var step in steps[1..])
        {
            var next = step.Forward(current);
            current.Dispose();
            current = next;
        }
        return current;
    }

    /// <summary>The same as operators.</summary>
    internal static GraphValue WriteChain(NetworkGraph graph, GraphValue input, params ReadOnlySpan<ConvNorm> steps)
    {
        foreach (var step in steps)
            input = step.Write(graph, input);
        return input;
    }
}
