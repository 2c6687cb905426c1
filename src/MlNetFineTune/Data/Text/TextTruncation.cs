namespace MlNetFineTune;

/// <summary>What remains of a text with more tokens than fit.</summary>
public enum TextTruncation
{
    /// <summary>The beginning.</summary>
    KeepStart,

    /// <summary>The end.</summary>
    KeepEnd,

    /// <summary>
    /// The first quarter of the tokens from the beginning, the others from the end (Sun et al. 2019, section 5.3.1,
    /// https://arxiv.org/abs/1905.05583): often better for long reviews and articles.
    /// </summary>
    KeepBoth,

    /// <summary>Nothing: the row cannot be used and is treated as <see cref="FineTuningOptions.BadRows"/> says.</summary>
    Refuse,
}
