using System.Text.Json;
using MlNetFineTune.Tokenizers;

namespace MlNetFineTune.Tests.Support;

/// <summary>Small tokenizers of the fixtures, and those of the shared data.</summary>
internal static class SmallTokenizers
{
    public static readonly JsonElement Oracle = Fixture.Read("tokenizers.json");

    public static byte[] VocabularyFile { get; } = File.ReadAllBytes(FixtureFile("tokenizer-vocab.txt"));

    public static TokenList Tokens { get; } = TokenList.Parse(VocabularyFile, "'tokenizer-vocab.txt'");

    /// <param name="form">As the oracle names its options.</param>
    /// <param name="tokens">The vocabulary; null for the small one.</param>
    public static BertTokenizer Bert(string form = "uncased", TokenList? tokens = null) => new(tokens ?? Tokens, form switch
    {
        "uncased" => new BertOptions(),
        "cased" => new BertOptions { LowerCase = false },
        "lower case with accents" => new BertOptions { StripAccents = false },
        "cased without accents" => new BertOptions { LowerCase = false, StripAccents = true },
        "ideographs in words" => new BertOptions { SeparateIdeographs = false },
        _ => throw new ArgumentException(form),
    });

    public static Tokenizer BytePairs(bool addPrefixSpace = false)
    {
        using var folder = new Folder();
        CopyBytePairs(folder);
        File.WriteAllText(folder.File("tokenizer_config.json"), $$"""{"add_prefix_space": {{(addPrefixSpace ? "true" : "false")}}}""");
        return TokenizerFiles.Open(folder.Path);
    }

    public static void CopyBytePairs(Folder folder)
    {
        File.Copy(FixtureFile("tokenizer-bpe-vocab.json"), folder.File("vocab.json"));
        File.Copy(FixtureFile("tokenizer-bpe-merges.txt"), folder.File("merges.txt"));
    }

    public static RandomTexts Texts(ulong seed = 18) => new(Oracle, seed, RandomTexts.WordsOf(Tokens.All));

    public static List<TextPiece> Encode(this Tokenizer tokenizer, string text)
    {
        var pieces = new List<TextPiece>();
        tokenizer.Encode(text, pieces);
        return pieces;
    }

    /// <summary>The pieces as text: the tokens with spaces between.</summary>
    public static string Spell(this Tokenizer tokenizer, string text) =>
        string.Join(' ', tokenizer.Encode(text).Select(piece => tokenizer.TokenOf(piece.Id)));

    /// <summary>The lines of a shared file, split at <c>\n</c> alone as the oracle does.</summary>
    public static string[] Lines(string path) =>
        File.ReadAllText(path).Split('\n') is [.. var lines, ""] ? lines : throw new InvalidDataException(path);

    private static string FixtureFile(string name) => Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Fixtures", name);
}
