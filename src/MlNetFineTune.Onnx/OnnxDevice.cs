using Microsoft.ML;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Onnx;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Onnx;

/// <summary>
/// Checks whether the GPU of a context is available. ML.NET calls a function that the native library of ONNX Runtime's CPU package does not
/// have, and does not handle the resulting exception: <c>FallbackToCpu</c> has no effect on it.
/// </summary>
internal static class OnnxDevice
{
    /// <returns>The context, or an equal one without a GPU.</returns>
    /// <exception cref="InvalidOperationException">This ONNX Runtime has no CUDA, and <c>FallbackToCpu</c> is false.</exception>
    public static MLContext Choose(MLContext ml)
    {
        var options = ml.GetOnnxSessionOption();
        if (Contexts.Device(ml).GpuDeviceId is null || options?.CreateSessionOptions is not null || Find(ml) is not null)
            return ml;
        var onCpu = new MLContext { TempFilePath = ml.TempFilePath };
        if (options is not null)
            onCpu.SetOnnxSessionOption(options);
        return onCpu;
    }

    /// <returns>The GPU of the context; null for the CPU.</returns>
    /// <exception cref="InvalidOperationException">This ONNX Runtime has no CUDA, and <c>FallbackToCpu</c> is false.</exception>
    public static int? Find(IHostEnvironment env)
    {
        var (gpu, fallback) = Contexts.Device(env);
        if (gpu is not { } id || HasCuda(id))
            return gpu;
        var reason = $"MLContext.GpuDeviceId is {id}, but this application's ONNX Runtime was built without CUDA. "
            + "Reference the package Microsoft.ML.OnnxRuntime.Gpu instead of Microsoft.ML.OnnxRuntime";
        if (!fallback)
            throw new InvalidOperationException($"{reason}, or set MLContext.FallbackToCpu to true to go on with the CPU.");
        using var channel = env.Start(nameof(FineTuningOnnxExtensions.ToOnnxPipeline));
        channel.Warning($"Device: CPU. {reason}.");
        return null;
    }

    // The call that ML.NET makes. Other problems with the GPU throw an OnnxRuntimeException, which ML.NET handles.
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
