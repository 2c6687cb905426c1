using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;
using TorchSharp;

namespace MlNetFineTune.Training;

/// <summary>What surrounds every <c>Fit</c>: host, log, seed, device, and gradients on this thread,
/// whatever the caller did with them.</summary>
internal sealed class FitScope : IDisposable
{
    private readonly IDisposable _ordinary = torch.inference_mode(false);
    private readonly IDisposable _gradients = torch.enable_grad();

    /// <param name="env">Registered now: a host keeps the device and temporary folder that its context has when it is made.</param>
    /// <param name="component">The trainer's name.</param>
    /// <param name="task">For the log.</param>
    /// <param name="seed">The option; null takes the context's seed, else 0.</param>
    public FitScope(IHostEnvironment env, string component, string task, int? seed)
    {
        Host = env.Register(component);
        Channel = Host.Start(task);
        Seed = seed ?? Contexts.Seed(Host) ?? 0;
    }

    public IHost Host { get; }

    public IChannel Channel { get; }

    public long Seed { get; }

    public void Dispose()
    {
        Channel.Dispose();
        _gradients.Dispose();
        _ordinary.Dispose();
    }
}
