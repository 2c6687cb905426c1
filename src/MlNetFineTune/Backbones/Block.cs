using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Backbones;

/// <summary>A repeated unit of a backbone, made of normalised convolutions.</summary>
internal abstract class Block(string name) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>The convolutions that folding may join with their BatchNorm.</summary>
    public abstract IEnumerable<ConvNorm> Pairs { get; }
}
