namespace MlNetFineTune.Data;

/// <summary>What an erased rectangle is filled with.</summary>
internal enum ErasingFill
{
    /// <summary>The mean colour that the weights expect: 0 after normalisation.</summary>
    Mean,

    /// <summary>A standard normal number for every channel of every pixel, after normalisation.</summary>
    Noise,
}
