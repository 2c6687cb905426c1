namespace MlNetFineTune.Tokenizers;

/// <summary>How the vocabulary spells the special tokens; see <see cref="SpecialTokens"/>.</summary>
internal sealed record SpecialNames(string Start, string End, string Padding, string Unknown, string Mask)
{
    public static readonly SpecialNames Bert = new("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]");

    public static readonly SpecialNames Roberta = new("<s>", "</s>", "<pad>", "<unk>", "<mask>");

    /// <summary>MPNet writes its specials like RoBERTa, but keeps BERT's unknown token.</summary>
    public static readonly SpecialNames MpNet = Roberta with { Unknown = Bert.Unknown };

    public bool Contain(string token) => token == Start || token == End || token == Padding || token == Unknown || token == Mask;

    /// <exception cref="InvalidDataException">The vocabulary lacks one that is not the mask.</exception>
    public SpecialTokens In(TokenList tokens)
    {
        if (new[] { Start, End, Padding, Unknown }.Where(name => tokens.Find(name) is null).Distinct().ToList() is { Count: > 0 } missing)
        {
            throw new InvalidDataException(
                $"The vocabulary of {tokens.Source} ({tokens.Count} tokens) lacks the special tokens "
                + $"{SafeText.Several(missing, quoted: true)}. It is not the vocabulary of this tokenizer, or it is damaged: take it "
                + $"from the checkpoint again, or name the special tokens in {TokenizerConfig.FileName} beside it "
                + "(cls_token, sep_token, pad_token, unk_token).");
        }
        return new SpecialTokens(Id(Start), Id(End), Id(Padding), Id(Unknown), tokens.Find(Mask));

        int Id(string name) => tokens.Find(name)!.Value;
    }
}
