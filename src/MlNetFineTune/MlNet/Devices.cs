using Microsoft.ML.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.MlNet;

/// <summary>Chooses CPU or GPU by the settings of the context that fits or loads:
/// ML.NET's <c>GpuDeviceId</c> and <c>FallbackToCpu</c>.</summary>
internal static class Devices
{
    /// <summary>The device, whose choice and reason are logged.</summary>
    /// <exception cref="InvalidOperationException">A GPU was requested, none is available, and <c>FallbackToCpu</c> is false.</exception>
    public static Device Choose(IHostEnvironment environment, IChannel channel)
    {
        TorchRuntime.EnsureLoaded();
        if (TorchRuntime.Note is { } note)
            channel.Info(note);
        var (gpu, fallback) = Contexts.Device(environment);
        if (gpu is not { } id)
        {
            channel.Info($"Device: CPU with {get_num_threads()} threads, because MLContext.GpuDeviceId is not set.");
            return CPU;
        }
        var count = cuda.is_available() ? cuda.device_count() : 0;
        if (id >= 0 && id < count)
        {
            channel.Info($"Device: CUDA {id} of {count}, because MLContext.GpuDeviceId is {id}.");
            return device(DeviceType.CUDA, id);
        }
        var reason = count == 0
            ? "no CUDA device is available (the native package may be the CPU one, or there is no NVIDIA driver)"
            : $"there are {count} CUDA devices, numbered from 0";
        if (!fallback)
            throw new InvalidOperationException(
                $"MLContext.GpuDeviceId is {id}, but {reason}. Set MLContext.FallbackToCpu to true to go on with the CPU.");
        channel.Warning($"Device: CPU with {get_num_threads()} threads. MLContext.GpuDeviceId is {id}, but {reason}.");
        return CPU;
    }
}
