using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Backbones;

/// <summary>
/// Makes the parameters of all networks. TorchSharp 0.107's constructor takes the tensor's handle over but counts both objects, and only one
/// is ever disposed: <see cref="Tensor.TotalCount"/> stays one too high for each. Whoever counts live tensors subtracts <see cref="Made"/>.
/// </summary>
internal static class Parameters
{
    private static long s_made;

    public static long Made => Interlocked.Read(ref s_made);

    /// <param name="data">Empty afterwards.</param>
    public static Parameter Of(Tensor data)
    {
        Interlocked.Increment(ref s_made);
        return new Parameter(data);
    }
}
