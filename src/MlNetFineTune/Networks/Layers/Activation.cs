using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>What follows a layer, element by element.</summary>
internal enum Activation
{
    None,
    ReLU,
    ReLU6,

    /// <summary>x sigmoid(x); also called swish (Ramachandran et al. 2017, https://arxiv.org/abs/1710.05941).</summary>
    SiLU,

    /// <summary>x ReLU6(x + 3) / 6 (Howard et al. 2019, section 5.2, https://arxiv.org/abs/1905.02244).</summary>
    Hardswish,

    /// <summary>x Phi(x) with the normal distribution's own Phi, not its tanh approximation (Hendrycks and Gimpel 2016,
    /// https://arxiv.org/abs/1606.08415).</summary>
    GELU,

    /// <summary>1 / (1 + exp(-x)): a gate.</summary>
    Sigmoid,

    /// <summary>ReLU6(x + 3) / 6: a gate.</summary>
    Hardsigmoid,
}

internal static class ActivationExtensions
{
    /// <summary>
    /// Takes ownership of its input and overwrites it; returns the result. Training may overwrite too where the backward pass does not
    /// need the activation's input (nor do those of convolution, BatchNorm, addition and concatenation need their output);
    /// where it does, the result is new.
    /// </summary>
    public static Tensor ApplyInPlace(this Activation activation, Tensor input)
    {
        if (NeedsInput(activation) && is_grad_enabled() && input.requires_grad)
        {
            using (input) // the graph keeps its memory
                return activation.Apply(input);
        }
        var result = activation switch
        {
            Activation.None => input,
            Activation.ReLU => input.relu_(),
            Activation.ReLU6 => input.relu6_(),
            Activation.SiLU => input.silu_(),
            Activation.Hardswish => input.hardswish_(),
            Activation.GELU => input.gelu_(),
            Activation.Sigmoid => input.sigmoid_(),
            _ => input.hardsigmoid_(),
        };
        if (!ReferenceEquals(result, input)) // TorchSharp's gelu_ hands back a second handle to the same memory.
            result.Dispose();
        return input;
    }

    public static GraphValue Write(this Activation activation, NetworkGraph graph, GraphValue input) => activation switch
    {
        Activation.None => input,
        Activation.ReLU => graph.Add("Relu", [input]),
        Activation.ReLU6 => graph.Add("Clip", [input, graph.Scalar("zero", 0), graph.Scalar("six", 6)]),
        Activation.SiLU => graph.Product(input, graph.Add("Sigmoid", [input])),
        Activation.Hardswish => graph.Add("HardSwish", [input]),
        Activation.GELU => WriteGelu(graph, input),
        Activation.Sigmoid => graph.Add("Sigmoid", [input]),
        _ => graph.Add("HardSigmoid", [input], ("alpha", 1 / 6f), ("beta", 0.5f)),
    };

    // x (1 + erf(x / sqrt 2)) / 2, which runtimes know and fuse: the operator itself came with version 20.
    private static GraphValue WriteGelu(NetworkGraph graph, GraphValue input)
    {
        var erf = graph.Add("Erf", [graph.Add("Div", [input, graph.Scalar("root_of_two", MathF.Sqrt(2))])]);
        return graph.Product(graph.Product(input, graph.Sum(erf, graph.Scalar("one", 1))), graph.Scalar("half", 0.5f));
    }

    // In place, libtorch would copy the input first.
    private static bool NeedsInput(Activation activation) => activation is Activation.SiLU or Activation.Hardswish or Activation.GELU
        or Activation.Hardsigmoid;

    private static Tensor Apply(this Activation activation, Tensor input) => activation switch
    {
        Activation.SiLU => input.silu(),
        Activation.Hardswish => input.hardswish(),
        Activation.GELU => input.gelu(),
        _ => input.hardsigmoid(),
    };
}
