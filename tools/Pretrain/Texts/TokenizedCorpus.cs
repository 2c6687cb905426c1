using MlNetFineTune.Tokenizers;

namespace Pretrain;

/// <summary>Token ids of texts, without special tokens.</summary>
internal static class TokenizedCorpus
{
    public static int[] Encode(Tokenizer tokenizer, string text)
    {
        var pieces = new List<TextPiece>();
        tokenizer.Encode(text, pieces);
        return [.. pieces.Select(piece => piece.Id)];
    }

    /// <summary>The passages.</summary>
    public static int[][] Passages(Tokenizer tokenizer, IEnumerable<CorpusEntry> entries) =>
        [.. entries.Select(entry => Encode(tokenizer, entry.Passage))];

    /// <summary>The views of the entries that have at least two, with the start and end tokens.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="entries">The entries.</param>
    /// <param name="maximumLength">Maximum number of tokens of a view.</param>
    public static int[][][] Views(Tokenizer tokenizer, IEnumerable<CorpusEntry> entries, int maximumLength) =>
    [
        .. entries.Where(entry => entry.Views.Count >= 2).Select(entry => entry.Views.Select(view => (int[])
        [
            tokenizer.Specials.Start, .. Encode(tokenizer, view).Take(maximumLength - 2), tokenizer.Specials.End,
        ]).ToArray()),
    ];
}
