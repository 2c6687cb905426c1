namespace MlNetFineTune.Data;

/// <summary>Fill of an erased rectangle.</summary>
internal enum ErasingFill
{
    /// <summary>The mean colour of the preprocessing: 0 after normalisation.</summary>
    Mean,

    /// <summary>Standard normal noise for each channel of each pixel, after normalisation.</summary>
    Noise,
}
