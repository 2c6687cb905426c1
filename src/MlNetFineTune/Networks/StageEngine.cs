using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// Computes the first stages of a network in inference mode in the place of libtorch: those below the head in scoring, the frozen ones in
/// training. What follows them (the head, the task) is computed by libtorch. Thread-safe. It has its own copy of the weights, of the time
/// when it was created.
/// </summary>
internal abstract class StageEngine : IDisposable
{
    /// <summary>Name of the engine of every network without another one.</summary>
    public const string LibTorch = "libtorch";

    /// <summary>Name and version, for messages and cache keys.</summary>
    public abstract string Name { get; }

    /// <summary>Runs the stages.</summary>
    /// <param name="inputs">Input of the network, on the CPU. The caller keeps it.</param>
    /// <returns>As <see cref="FineTunedNetwork.ForwardFirst"/>. The caller disposes it.</returns>
    public abstract Tensor Forward(ModelInputs inputs);

    public abstract void Dispose();
}
