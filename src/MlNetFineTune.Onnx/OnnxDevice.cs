using Microsoft.ML;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Onnx;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Onnx;

/// <summary>
/// Whether the GPU that a context asks for can be had. ML.NET asks ONNX Runtime's native library for a function that its CPU package does
/// not have, and takes the missing function for no error of the runtime: <c>FallbackToCpu</c> does not help there.
/// </summary>
internal static class OnnxDevice
{
    /// <returns>The context, or one like it that asks for no GPU.</returns>
    /// <exception cref="InvalidOperationException">There is no CUDA in this ONNX Runtime, and <c>FallbackToCpu</c> is false.</exception>
    public static MLContext Choose(MLContext ml)
    {
        var (gpu, fallback) = Contexts.Device(ml);
        var options = ml.GetOnnxSessionOption();
        if (gpu is not { } id || options?.CreateSessionOptions is not null || HasCuda(id))
            return ml;
        var reason = $"MLContext.GpuDeviceId is {id}, but this application's ONNX Runtime was built without CUDA. "
            + "Reference the package Microsoft.ML.OnnxRuntime.Gpu instead of Microsoft.ML.OnnxRuntime";
        if (!fallback)
            throw new InvalidOperationException($"{reason}, or set MLContext.FallbackToCpu to true to go on with the CPU.");
        using (var channel = ((IHostEnvironment)ml).Start(nameof(FineTuningOnnxExtensions.ToOnnxPipeline)))
            channel.Warning($"Device: CPU. {reason}.");
        var onCpu = new MLContext { TempFilePath = ml.TempFilePath };
        if (options is not null)
            onCpu.SetOnnxSessionOption(options);
        return onCpu;
    }

    // The call that ML.NET makes. What else is amiss with the GPU is an OnnxRuntimeException, which ML.NET knows.
    private static bool HasCuda(int id)
    {
        try
        {
            SessionOptions.MakeSessionOptionWithCudaProvider(id).Dispose();
            return true;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }
        catch (OnnxRuntimeException)
        {
            return true;
        }
    }
}
