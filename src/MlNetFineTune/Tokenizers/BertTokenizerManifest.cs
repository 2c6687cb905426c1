namespace MlNetFineTune.Tokenizers;

/// <summary>BERT's WordPiece tokenizer; see <see cref="BertOptions"/>.</summary>
internal sealed record BertTokenizerManifest(
    string VocabularySha256, bool LowerCase, bool StripAccents, bool SeparateIdeographs, int MaximumWordLength, string ContinuationPrefix,
    SpecialNames Specials, int PairSeparators) : TokenizerManifest(VocabularySha256)
{
    protected override BertTokenizer Build(byte[] vocabulary) => new(TokenList.Parse(vocabulary, ModelFile), new BertOptions
    {
        LowerCase = LowerCase,
        StripAccents = StripAccents,
        SeparateIdeographs = SeparateIdeographs,
        MaximumWordLength = MaximumWordLength,
        ContinuationPrefix = ContinuationPrefix,
        Specials = Specials,
        PairSeparators = PairSeparators,
    });
}
