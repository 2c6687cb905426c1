using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>A layer with a weight [out, ...] to which a low-rank matrix can be added.</summary>
internal interface IAdaptable
{
    Parameter Weight { get; }

    /// <summary>Channels are divided into so many parts.</summary>
    long Groups { get; }

    /// <summary>What is added, if anything is. Belongs to the network.</summary>
    LoraLayer? Adapter { get; set; }
}
