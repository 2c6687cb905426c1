using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Transforms;

/// <summary>
/// The gradient of the explained outputs with respect to the input of a part of a network. The parameters of the network have no gradients
/// (<see cref="PrepareNetwork"/>), so that the backward pass writes only the gradient of its own input, and scoring and explaining can run
/// concurrently. BatchNorm is folded into convolutions, which changes outputs and gradients only by rounding.
/// </summary>
/// <remarks>
/// <c>autograd.grad</c> would not change parameters either, but a failure in TorchSharp 0.107's version ends the process.
/// </remarks>
internal static class InputGradient
{
    /// <summary>A network that only scores needs no gradients of its parameters.</summary>
    public static void PrepareNetwork(FineTunedNetwork network)
    {
        foreach (var (_, parameter) in network.NamedParameters())
            parameter.requires_grad = false;
    }

    /// <param name="point">The point of the gradient, with rows in the first dimension. It is not changed.</param>
    /// <param name="run">From a tensor of its shape to the network's outputs, [N, outputs]. May change its argument.</param>
    /// <param name="output">The explained output.</param>
    /// <param name="choices">Index of the explained number of each row, [N]; null to select it by these outputs.</param>
    /// <returns>The gradient of each row's selected number, in the shape of <paramref name="point"/>. The caller disposes it.</returns>
    /// <exception cref="NotSupportedException">The network has no gradient.</exception>
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
