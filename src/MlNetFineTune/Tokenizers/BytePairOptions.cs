namespace MlNetFineTune.Tokenizers;

/// <summary>What byte-level BPE tokenizers do differently.</summary>
internal sealed record BytePairOptions
{
    /// <summary>Names of the special tokens.</summary>
    public required SpecialNames Specials { get; init; }

    /// <summary>See <see cref="Tokenizer.PairSeparators"/>.</summary>
    public required int PairSeparators { get; init; }

    /// <summary>
    /// Whether a text, or what is left of it between two added tokens, is read as if a space were before it where it begins without one.
    /// </summary>
    public bool AddPrefixSpace { get; init; }

    /// <summary>Whether characters are composed first (NFC).</summary>
    public bool Composes { get; init; }

    /// <summary>Tokens of the vocabulary that are taken out of the text as it is; see <see cref="AddedTokens"/>.</summary>
    public IReadOnlyList<string> RawTokens { get; init; } = [];

    /// <summary>Tokens that are taken out after characters were composed.</summary>
    public IReadOnlyList<string> ComposedTokens { get; init; } = [];
}
