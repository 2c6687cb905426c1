namespace MlNetFineTune;

/// <summary>How BatchNorm layers that train normalise. The running statistics of a frozen layer never change.</summary>
public enum BatchNormMode
{
    /// <summary>
    /// The default: <see cref="Train"/>, except in the second phase of <see cref="Strategy.ProbeThenFull"/> on an image network with
    /// pretrained statistics, where it is <see cref="Frozen"/> because the head was fitted to features normalised by them.
    /// </summary>
    ByStrategy,

    /// <summary>Normalises by the statistics of each batch and updates the running statistics.
    /// For batches of at least eight rows.</summary>
    Train,

    /// <summary>Normalises by the pretrained running statistics, which do not change; scale and shift
    /// train. For small batches and small data sets.</summary>
    Frozen,
}
