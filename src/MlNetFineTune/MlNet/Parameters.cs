using System.Runtime.CompilerServices;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.MlNet;

/// <summary>
/// Makes parameters that are counted once. TorchSharp 0.107's public constructor empties the tensor it is given without taking it off
/// <c>Tensor.TotalCount</c>, so that every parameter would count as one leaked tensor for ever, and real leaks could not be seen.
/// </summary>
internal static class Parameters
{
    /// <param name="data">Becomes empty. It is in no one else's hands.</param>
    public static Parameter Of(Tensor data)
    {
        data.requires_grad = true;
        var parameter = FromHandle(data.DetachFromDisposeScope().DecoupleFromNativeHandle());
        parameter.DetachFromDisposeScope();
        return parameter;
    }

    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    private static extern Parameter FromHandle(IntPtr handle);
}
