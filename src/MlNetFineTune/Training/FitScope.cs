using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;
using TorchSharp;

namespace MlNetFineTune.Training;

/// <summary>
/// The environment of a <c>Fit</c>: host, log, seed, device, and gradients enabled on this thread independently of the caller's state.
/// </summary>
internal sealed class FitScope : IDisposable
{
    private readonly IDisposable _ordinary = torch.inference_mode(false);
    private readonly IDisposable _gradients = torch.enable_grad();
    private readonly HeapPages? _pages;

    /// <param name="env">Environment; a host has the device and temporary folder of the context at the time of its creation.</param>
    /// <param name="component">Name of the trainer.</param>
    /// <param name="task">Name of the task, for the log.</param>
    /// <param name="seed">The option; null for the context's seed, or 0.</param>
    public FitScope(IHostEnvironment env, string component, string task, int? seed)
    {
        Host = env.Register(component);
        Channel = Host.Start(task);
        Seed = seed ?? Contexts.Seed(Host) ?? 0;
        _pages = HeapPages.Keep();
    }

    public IHost Host { get; }

    public IChannel Channel { get; }

    public long Seed { get; }

    public void Dispose()
    {
        Channel.Dispose();
        _gradients.Dispose();
        _ordinary.Dispose();
        _pages?.Dispose();
    }
}
