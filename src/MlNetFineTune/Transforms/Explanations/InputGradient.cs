using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Transforms;

/// <summary>
/// The gradient of the explained outputs by what enters a part of a network. No parameter of the network takes a gradient
/// (<see cref="PrepareNetwork"/>), so that the backward pass writes nothing but the gradient of its own input: others may score with the
/// network, and explain, at the same time. BatchNorm is folded into convolutions, which changes neither outputs nor gradients by more than
/// rounding.
/// </summary>
/// <remarks><c>autograd.grad</c> would leave parameters alone without that, but a failure in TorchSharp 0.107's ends the process.</remarks>
internal static class InputGradient
{
    /// <summary>A network that only scores needs no gradients of its parameters.</summary>
    public static void PrepareNetwork(FineTunedNetwork network)
    {
        foreach (var (_, parameter) in network.NamedParameters())
            parameter.requires_grad = false;
    }

    /// <param name="point">Where, the rows in the first dimension. Stays as it is.</param>
    /// <param name="run">From a tensor like it to the network's outputs, [N, outputs]. May change what it is given.</param>
    /// <param name="output">What is explained.</param>
    /// <param name="choices">Which evidence of each row, [N]; null for what these outputs choose.</param>
    /// <returns>As <paramref name="point"/>: each row's gradient of its own chosen evidence. The caller disposes it.</returns>
    /// <exception cref="NotSupportedException">The network gives no gradient.</exception>
    public static Tensor Of(Tensor point, Func<Tensor, Tensor> run, ExplainedOutput output, Tensor? choices)
    {
        using var scope = NewDisposeScope();
        using var gradients = enable_grad();
        var leaf = point.detach().requires_grad_();
        var outputs = run(leaf.clone()); // a module of a user's may write into its input, which is not allowed to a leaf
        var sum = output.SumOf(outputs, choices ?? output.ChoicesOf(outputs));
        if (sum.requires_grad)
            sum.backward();
        return leaf.grad?.MoveToOuterDisposeScope() ?? throw new NotSupportedException(
            "The network gives no gradient of its output by its input: a part of it detaches its result, or computes without gradients.");
    }
}
