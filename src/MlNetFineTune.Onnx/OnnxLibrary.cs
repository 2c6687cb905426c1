using Microsoft.ML.OnnxRuntime;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Onnx;

/// <summary>Explains why ONNX Runtime's native library does not load: an application references its package itself.</summary>
internal static class OnnxLibrary
{
    /// <param name="load">Opens a session.</param>
    /// <exception cref="InvalidOperationException">The native library does not load.</exception>
    /// <exception cref="NotSupportedException">ONNX Runtime refuses the network.</exception>
    public static T Load<T>(Func<T> load)
    {
        try
        {
            return load();
        }
        catch (Exception e) when (CauseOf(e) is DllNotFoundException or BadImageFormatException)
        {
            throw new InvalidOperationException(
                "The native library of ONNX Runtime does not load: the application references the package Microsoft.ML.OnnxRuntime "
                + $"({SafeText.Message(CauseOf(e))}).", e);
        }
        catch (OnnxRuntimeException e)
        {
            throw new NotSupportedException($"ONNX Runtime refuses the network: {SafeText.Message(e)}", e);
        }
    }

    // ONNX Runtime loads its library in a static constructor.
    private static Exception CauseOf(Exception e) => e is TypeInitializationException { InnerException: { } cause } ? cause : e;
}
