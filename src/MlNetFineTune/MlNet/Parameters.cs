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
    [ThreadStatic]
    private static ScalarType? s_type;

    /// <summary>
    /// The type that layers of ours are made of: Float32, whatever default somebody else gave the process (<c>torch.set_default_dtype</c>).
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
