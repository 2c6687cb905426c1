using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Backbones;

/// <summary>The activation that follows a normalised convolution.</summary>
internal enum Activation
{
    None,
    ReLU,
    ReLU6,
}

internal static class ActivationExtensions
{
    /// <summary>
    /// Overwrites its input, which the caller gives away. Training may do so too: the backward passes of convolution, BatchNorm, addition, concatenation
    /// and of these activations do not need the activation's input.
    /// </summary>
    public static Tensor ApplyInPlace(this Activation activation, Tensor input)
    {
        if (activation == Activation.None)
            return input;
        using (input) // TorchSharp hands back a second handle to the same memory.
            return activation == Activation.ReLU ? nn.functional.relu(input, inplace: true) : nn.functional.relu6(input, inplace: true);
    }
}
