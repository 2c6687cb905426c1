using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Transforms;

/// <summary>A method of explanation for one network: computes a map for each picture from the network's input.</summary>
/// <param name="height">Height of a map.</param>
/// <param name="width">Width of a map.</param>
internal abstract class HeatMapMethod(long height, long width)
{
    public int Height { get; } = checked((int)height);

    public int Width { get; } = checked((int)width);

    /// <summary>Number of pictures in a batch.</summary>
    /// <param name="scoring">Batch size of scoring.</param>
    public virtual int BatchOf(int scoring) => scoring;

    /// <summary>Computes the maps of a batch. The network is only read; gradients are computed for its input only.</summary>
    /// <param name="network">The network, prepared for scoring.</param>
    /// <param name="inputs">Inputs of the network. The caller keeps ownership.</param>
    /// <returns>[N, <see cref="Height"/>, <see cref="Width"/>]. The caller disposes it.</returns>
    public abstract Tensor MapsOf(FineTunedNetwork network, ModelInputs inputs);

    /// <summary>The values of a map that are shown as cold (0) and hot (1).</summary>
    public abstract (float Cold, float Hot) RangeOf(ReadOnlySpan<float> map);
}
