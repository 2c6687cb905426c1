namespace MlNetFineTune.Tokenizers;

/// <summary>RoBERTa's byte-level BPE tokenizer. Its vocabulary is the tokens, a line each, and then the merges, a line each.</summary>
/// <param name="VocabularySha256">SHA-256 of the vocabulary's bytes, in hexadecimal.</param>
/// <param name="TokenCount">Lines that are tokens.</param>
/// <param name="Specials">Names of the special tokens.</param>
/// <param name="AddPrefixSpace">Whether a text that does not begin with a space is read as if it did.</param>
/// <param name="PairSeparators">See <see cref="Tokenizer.PairSeparators"/>.</param>
internal sealed record BytePairTokenizerManifest(
    string VocabularySha256, int TokenCount, SpecialNames Specials, bool AddPrefixSpace, int PairSeparators)
    : TokenizerManifest(VocabularySha256)
{
    protected override BytePairTokenizer Build(byte[] vocabulary)
    {
        var lines = TokenList.Lines(vocabulary, ModelFile);
        return TokenCount > 0 && TokenCount <= lines.Length && PairSeparators is 1 or 2
            ? new BytePairTokenizer(
                new TokenList(lines[..TokenCount], ModelFile), lines[TokenCount..], Specials, AddPrefixSpace, PairSeparators)
            : throw new ArgumentException(
                $"there is no vocabulary of {TokenCount} tokens in {lines.Length} lines with {PairSeparators} separators");
    }
}
