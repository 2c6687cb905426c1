namespace MlNetFineTune.Tokenizers;

/// <summary>
/// A byte-level BPE tokenizer; see <see cref="BytePairOptions"/>. Its vocabulary has a line for each token, then for each added token that
/// is taken out of the text as it is, for each of the others, and for each merge.
/// </summary>
/// <param name="VocabularySha256">SHA-256 of the vocabulary's bytes, in hexadecimal.</param>
/// <param name="TokenCount">Lines that are tokens.</param>
/// <param name="Specials">Names of the special tokens.</param>
/// <param name="AddPrefixSpace">Whether a text that does not begin with a space is read as if it did.</param>
/// <param name="PairSeparators">See <see cref="Tokenizer.PairSeparators"/>.</param>
/// <param name="Composes">Whether characters are composed.</param>
/// <param name="RawTokenCount">Lines that are added tokens, taken out of the text as it is.</param>
/// <param name="ComposedTokenCount">Lines that are added tokens, taken out of the composed text.</param>
internal sealed record BytePairTokenizerManifest(
    string VocabularySha256, int TokenCount, SpecialNames Specials, bool AddPrefixSpace, int PairSeparators, bool Composes = false,
    int RawTokenCount = 0, int ComposedTokenCount = 0) : TokenizerManifest(VocabularySha256)
{
    protected override BytePairTokenizer Build(byte[] vocabulary)
    {
        var lines = TokenList.Lines(vocabulary, ModelFile);
        var counts = (int[])[TokenCount, RawTokenCount, ComposedTokenCount];
        if (TokenCount == 0 || Array.Exists(counts, count => count < 0 || count > lines.Length) || counts.Sum() > lines.Length
            || PairSeparators is not (1 or 2))
        {
            throw new ArgumentException(
                $"there is no vocabulary of {string.Join(" + ", counts)} tokens in {lines.Length} lines with {PairSeparators} separators");
        }
        var (raw, composed) = (TokenCount + RawTokenCount, TokenCount + RawTokenCount + ComposedTokenCount);
        return new BytePairTokenizer(new TokenList(lines[..TokenCount], ModelFile), lines[composed..], new BytePairOptions
        {
            Specials = Specials,
            PairSeparators = PairSeparators,
            AddPrefixSpace = AddPrefixSpace,
            Composes = Composes,
            RawTokens = lines[TokenCount..raw],
            ComposedTokens = lines[raw..composed],
        });
    }
}
