using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>The layers from pooled features to the outputs of a task: [N, features] -> [N, outputs]. Owns its tensors.</summary>
internal abstract class NetworkHead(string name) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>Numbers a row that <see cref="Write"/> and the forward pass give.</summary>
    public abstract int Outputs { get; }

    /// <summary>Draws the initial weights, by counted random numbers.</summary>
    public abstract void Initialize(long seed);

    /// <summary>Adds the layers to a graph that is exported.</summary>
    /// <param name="graph">Gets the nodes.</param>
    /// <param name="features">[N, features].</param>
    /// <returns>[N, outputs].</returns>
    public abstract GraphValue Write(NetworkGraph graph, GraphValue features);
}
