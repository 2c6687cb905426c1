namespace MlNetFineTune.Networks;

/// <summary>A block in which BatchNorm can be folded into convolutions.</summary>
internal interface IFoldable
{
    /// <summary>Convolutions, each with the BatchNorm that can be folded into it.</summary>
    IEnumerable<ConvNorm> Pairs { get; }
}
