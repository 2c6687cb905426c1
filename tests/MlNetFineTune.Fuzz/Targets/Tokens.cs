using System.Runtime.InteropServices;
using System.Text;
using MlNetFineTune.Tokenizers;

namespace MlNetFineTune.Fuzz.Targets;

/// <summary>Files of tokenizers, and texts.</summary>
internal static class Tokens
{
    // Accents, an ideograph, a surrogate pair and half of one, punctuation, a final sigma, a control character.
    private const string Text =
        "The caf\u00e9s, e\u0301t\u00e9: \u4f60\u597d \ud83d\ude00 \ud83d 12,5 \u039f\u0394\u039f\u03a3 \u0007 [CLS]don't";

    private static readonly Lazy<Scratch> s_wordPiece = new(Scratch.New), s_bytePairs = new(Scratch.New), s_json = new(Scratch.New);
    private static readonly Lazy<Tokenizer[]> s_tokenizers = new(() => [OfFiles(Seeds.WordPieceFiles), OfFiles(Seeds.BytePairFiles)]);

    /// <param name="input"><c>vocab.txt</c>, <c>tokenizer_config.json</c> and <c>added_tokens.json</c>.</param>
    public static void WordPiece(byte[] input) =>
        Open(s_wordPiece.Value, input, "vocab.txt", "tokenizer_config.json", "added_tokens.json");

    /// <param name="input"><c>vocab.json</c>, <c>merges.txt</c> and <c>tokenizer_config.json</c>.</param>
    public static void BytePairs(byte[] input) =>
        Open(s_bytePairs.Value, input, "vocab.json", "merges.txt", "tokenizer_config.json");

    /// <param name="input"><c>tokenizer.json</c> and <c>tokenizer_config.json</c>.</param>
    public static void Json(byte[] input) => Open(s_json.Value, input, "tokenizer.json", "tokenizer_config.json");

    /// <param name="input">A text in UTF-16, which may be malformed.</param>
    public static void Texts(byte[] input)
    {
        foreach (var tokenizer in s_tokenizers.Value)
            Encode(tokenizer, MemoryMarshal.Cast<byte, char>(input));
    }

    private static Tokenizer OfFiles((string Name, string Content)[] files)
    {
        var folder = Scratch.New();
        foreach (var (name, content) in files)
            folder.Put(name, Encoding.UTF8.GetBytes(content));
        return TokenizerFiles.Open(folder.Path);
    }

    private static void Open(Scratch folder, byte[] input, params string[] names)
    {
        foreach (var (name, content) in names.Zip(Bytes.Parts(input, names.Length)))
            folder.Put(name, content);
        var tokenizer = TokenizerFiles.Open(folder.Path);
        Encode(tokenizer, Text);
        tokenizer.Describe();
    }

    private static void Encode(Tokenizer tokenizer, ReadOnlySpan<char> text)
    {
        var pieces = new List<TextPiece>();
        tokenizer.Encode(text, pieces);
        foreach (var piece in pieces)
        {
            if (piece.Start < 0 || piece.Start > piece.End || piece.End > text.Length)
                throw new FindingException($"Piece {piece} lies outside of a text of {text.Length} characters.");
            _ = tokenizer.TokenOf(piece.Id);
        }
    }
}
