namespace MlNetFineTune;

/// <summary>What BatchNorm does where it trains. Where its layer is frozen it never moves.</summary>
public enum BatchNormMode
{
    /// <summary>
    /// <see cref="Train"/>; but <see cref="Frozen"/> in the second part of <see cref="Strategy.ProbeThenFull"/>, where an image network has
    /// pretrained statistics: the probe was fitted to features under them.
    /// </summary>
    ByStrategy,

    /// <summary>Normalises by each batch, and moves its running statistics: right for batches of eight rows and more.</summary>
    Train,

    /// <summary>Normalises by the pretrained running statistics, which stay as they are; its scale and shift train.
    /// For small batches, and for data that are too few to have statistics of their own.</summary>
    Frozen,
}
