using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune;

/// <summary>
/// What computes the frozen stages in a training (<see cref="FineTuningOptions.FrozenEngine"/>). Package <c>MlNetFineTune.Onnx</c> adds
/// <c>FrozenEngine.OnnxRuntime</c> and <c>FrozenEngine.Fastest</c>.
/// </summary>
/// <remarks>
/// The engine is opened at the beginning of each phase with frozen stages, and once more for the evaluation of averages at the end
/// (<see cref="WeightAveraging.BestCheckpoints"/>, <see cref="WeightAveraging.WiseFt"/>). libtorch computes the scores of the trained
/// model, and, in a training that is resumed after its last evaluation, the outputs of the validation rows for calibration and report.
/// </remarks>
public abstract class FrozenEngine : IFingerprinted
{
    internal FrozenEngine()
    {
    }

    /// <summary>libtorch, in the precision of the training, with BatchNorm folded into convolutions. The default.</summary>
    public static FrozenEngine LibTorch { get; } = new LibTorchEngine();

    // Features of another engine differ by rounding, and so do the weights that are trained on them.
    object IFingerprinted.Fingerprint => ToString();

    /// <summary>Name of the engine.</summary>
    public abstract override string ToString();

    /// <summary>Checks whether this process can use the engine, before the data are read.</summary>
    /// <exception cref="InvalidOperationException">It cannot; the message says what is missing.</exception>
    internal virtual void Check()
    {
    }

    /// <summary>Creates the engine of frozen stages. The caller disposes it.</summary>
    /// <param name="network">The network, its first stages frozen.</param>
    /// <param name="input">Input of the network.</param>
    /// <param name="stages">Number of frozen stages, at least 1, which run by themselves.</param>
    /// <param name="channel">Receives the choice and its reason.</param>
    /// <returns>Null for libtorch.</returns>
    internal abstract StageEngine? Open(FineTunedNetwork network, ModelInput input, int stages, IChannel channel);

    private sealed class LibTorchEngine : FrozenEngine
    {
        public override string ToString() => nameof(LibTorch);

        internal override StageEngine? Open(FineTunedNetwork network, ModelInput input, int stages, IChannel channel) => null;
    }
}
