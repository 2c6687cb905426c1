using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>A layer with a weight [out, ...] to which a low-rank matrix can be added.</summary>
internal interface IAdaptable
{
    Parameter Weight { get; }

    /// <summary>The weight without the addition, also while the layer's own tensor holds the sum.</summary>
    Tensor Original => Weight;

    /// <summary>Channels are divided into so many parts.</summary>
    long Groups { get; }

    /// <summary>What is added, if anything is. Belongs to the network.</summary>
    LoraLayer? Adapter { get; set; }

    /// <summary>
    /// Told when the sum was made, and when it goes (null), for layers that others compute: they take it into their own tensor. Layers of
    /// ours look at <see cref="LoraLayer.Merged"/> instead.
    /// </summary>
    /// <param name="sum">Stays the addition's.</param>
    void TakeSum(Tensor? sum)
    {
    }
}
