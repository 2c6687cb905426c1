using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Onnx;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Onnx;

/// <summary>
/// Opens sessions as ML.NET's ONNX transformer does: with the options of <c>MLContext.SetOnnxSessionOption</c>, and on the context's GPU.
/// </summary>
internal static class OnnxSessions
{
    /// <param name="env">Environment of the context.</param>
    /// <param name="path">The network's file, which must not change while the session is open.</param>
    /// <exception cref="InvalidOperationException">
    /// The context has a GPU, this ONNX Runtime has no CUDA, and <c>FallbackToCpu</c> is false.
    /// </exception>
    public static InferenceSession Open(IHostEnvironment env, string path)
    {
        var wanted = env.GetOnnxSessionOption();
        if (wanted?.CreateSessionOptions is { } create)
        {
            using var custom = create();
            return new InferenceSession(path, custom);
        }
        if (OnnxDevice.Find(env) is { } gpu)
        {
            try
            {
                using var cuda = With(wanted, SessionOptions.MakeSessionOptionWithCudaProvider(gpu));
                return new InferenceSession(path, cuda);
            }
            catch (OnnxRuntimeException) when (Contexts.Device(env).FallbackToCpu)
            {
                using var channel = env.Start(nameof(OnnxSessions));
                channel.Warning($"Device: CPU. ONNX Runtime could not use GPU {gpu}.");
            }
        }
        using var options = With(wanted, new SessionOptions());
        return new InferenceSession(path, options);
    }

    private static SessionOptions With(OnnxSessionOptions? wanted, SessionOptions options)
    {
        if (wanted is null)
            return options;
        (options.IntraOpNumThreads, options.InterOpNumThreads) = (wanted.IntraOpNumThreads, wanted.InterOpNumThreads);
        (options.GraphOptimizationLevel, options.ExecutionMode) = (wanted.GraphOptimizationLevel, wanted.ExecutionMode);
        (options.EnableMemoryPattern, options.EnableCpuMemArena) = (wanted.EnableMemoryPattern, wanted.EnableCpuMemArena);
        (options.LogId, options.LogSeverityLevel) = (wanted.LogId, wanted.LogSeverityLevel);
        return options;
    }
}
