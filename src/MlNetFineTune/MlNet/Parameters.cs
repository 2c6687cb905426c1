using System.Runtime.CompilerServices;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.MlNet;

/// <summary>
/// Creates parameters that are counted once. TorchSharp 0.107's public constructor empties the tensor it is given without decrementing
/// <c>Tensor.TotalCount</c>, so that every parameter would count as a leaked tensor and hide real leaks.
/// </summary>
internal static class Parameters
{
    [ThreadStatic]
    private static ScalarType? s_type;

    /// <summary>
    /// The element type of this library's layers: Float32, whatever the default of the process is (<c>torch.set_default_dtype</c>).
    /// No factory of tensors is called without a type (DefaultTypeTests looks).
    /// </summary>
    public static ScalarType Type => s_type ?? ScalarType.Float32;

    /// <summary>Makes layers of another type on this thread: tests compare with PyTorch in doubles.</summary>
    public static T MadeOf<T>(ScalarType type, Func<T> make)
    {
        var before = s_type;
        s_type = type;
        try
        {
            return make();
        }
        finally
        {
            s_type = before;
        }
    }

    /// <param name="data">The values; the tensor is emptied and must have no other user.</param>
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
