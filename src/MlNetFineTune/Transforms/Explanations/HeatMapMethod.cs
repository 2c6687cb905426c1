using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Transforms;

/// <summary>A method of explanation on one network: from the network's input to a map for each picture.</summary>
/// <param name="height">Of a map.</param>
/// <param name="width">Of a map.</param>
internal abstract class HeatMapMethod(long height, long width)
{
    public int Height { get; } = checked((int)height);

    public int Width { get; } = checked((int)width);

    /// <summary>Pictures at once.</summary>
    /// <param name="scoring">As many as are scored at once.</param>
    public virtual int BatchOf(int scoring) => scoring;

    /// <summary>The maps of a batch. Reads the network, and changes nothing of it but gradients of its own input.</summary>
    /// <param name="network">Ready to score.</param>
    /// <param name="inputs">They stay the caller's.</param>
    /// <returns>[N, <see cref="Height"/>, <see cref="Width"/>]. The caller disposes it.</returns>
    public abstract Tensor MapsOf(FineTunedNetwork network, ModelInputs inputs);

    /// <summary>Which values of a map are shown as cold, 0, and as hot, 1.</summary>
    public abstract (float Cold, float Hot) RangeOf(ReadOnlySpan<float> map);
}
