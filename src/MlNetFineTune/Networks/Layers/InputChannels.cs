using MlNetFineTune.MlNet;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// A first convolution for pictures of other than three channels, as timm makes it (timm/models/_manipulate.py, <c>adapt_input_conv</c>):
/// for one channel the kernels of red, green and blue are added, so that a grey picture has the same output as with three equal channels;
/// for N channels they are repeated and scaled by 3 / N, so that the sum keeps its magnitude.
/// </summary>
internal static class InputChannels
{
    public const int Colors = 3;

    /// <param name="kernels">Kernels for colours, [out, 3, k, k].</param>
    /// <param name="channels">N, the number of input channels.</param>
    /// <returns>Kernels for N channels, [out, N, k, k]. The caller disposes it.</returns>
    public static Tensor Adapt(Tensor kernels, int channels)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var numbers = kernels.to_type(ScalarType.Float32);
        var adapted = channels == 1
            ? numbers.sum(1, keepdim: true)
            : numbers.repeat(1, (channels + Colors - 1) / Colors, 1, 1).narrow(1, 0, channels).Mul(Colors / (float)channels);
        return adapted.MoveToOuterDisposeScope();
    }
}
