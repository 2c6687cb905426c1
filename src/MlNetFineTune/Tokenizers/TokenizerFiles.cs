using System.Text.Json;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Tokenizers;

/// <summary>The tokenizer of a checkpoint's folder, as it lies on the hub.</summary>
internal static class TokenizerFiles
{
    public const string Supported =
        "WordPiece (BERT, MiniLM, DistilBERT) and byte-level BPE (RoBERTa, ModernBERT) are supported; Unigram and SentencePiece "
        + "(XLM-RoBERTa, ALBERT, T5, multilingual MiniLM) are not: choose a checkpoint with one of the former";

    private const string WordPieceFile = "vocab.txt";
    private const string BytePairFile = "vocab.json";
    private const string MergesFile = "merges.txt";
    private const string AddedFile = "added_tokens.json";

    /// <summary>Names of the files of a tokenizer, of which a checkpoint has some.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [TokenizerJson.FileName, TokenizerConfig.FileName, WordPieceFile, BytePairFile, MergesFile, AddedFile];

    /// <summary>Whether the files make a tokenizer: its configuration alone does not.</summary>
    public static bool AreWhole(Predicate<string> isThere) =>
        isThere(TokenizerJson.FileName) || isThere(WordPieceFile) || isThere(BytePairFile) && isThere(MergesFile);

    private static readonly string[] s_sentencePieceFiles =
        ["spiece.model", "sentencepiece.bpe.model", "sentencepiece.model", "tokenizer.model", "spm.model"];

    private static readonly string[] s_wordPieceClasses = ["BertTokenizer", "DistilBertTokenizer", "MPNetTokenizer"];

    private static readonly string[] s_bytePairClasses = ["RobertaTokenizer"];

    /// <summary>
    /// Opens <c>tokenizer.json</c>, or without it <c>vocab.txt</c> (WordPiece), or <c>vocab.json</c> and <c>merges.txt</c> (byte-level
    /// BPE); <c>tokenizer_config.json</c> beside them has the last word, as in transformers. Without a word on lower case there,
    /// a vocabulary with capital letters is cased.
    /// </summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">The folder has no tokenizer.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or describes a tokenizer that is not supported.</exception>
    public static Tokenizer Open(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException(
                $"There is no folder {Quoted(folder)}; expected the folder of a checkpoint with its tokenizer "
                + $"({TokenizerJson.FileName}, or {WordPieceFile} and {TokenizerConfig.FileName}).");
        }
        var config = Config(folder);
        if (config.Class is { } name and not "PreTrainedTokenizer"
            && !s_wordPieceClasses.Contains(name) && !s_bytePairClasses.Contains(name))
        {
            throw new InvalidDataException(
                $"{Quoted(Path.Combine(folder, TokenizerConfig.FileName))} asks for the tokenizer {SafeText.Quoted(name)}. {Supported}.");
        }
        if (Find(folder, TokenizerJson.FileName) is { } json)
        {
            using var file = new JsonFile(Read(json), Quoted(json));
            return TokenizerJson.Read(file, config);
        }
        if (Find(folder, WordPieceFile) is { } vocabulary)
            return WordPiece(TokenList.Parse(Read(vocabulary), Quoted(vocabulary)), config);
        if (Find(folder, BytePairFile) is { } numbers && Find(folder, MergesFile) is { } merges)
            return BytePairs(numbers, merges, config);
        throw s_sentencePieceFiles.FirstOrDefault(one => Find(folder, one) is not null) is { } sentencePieces
            ? new InvalidDataException($"{Quoted(Path.Combine(folder, sentencePieces))} is a SentencePiece tokenizer. {Supported}.")
            : new FileNotFoundException(
                $"The folder {Quoted(folder)} has no tokenizer: expected {TokenizerJson.FileName}, or {WordPieceFile} with "
                + $"{TokenizerConfig.FileName} (WordPiece), or {BytePairFile} with {MergesFile} (byte-level BPE); found "
                + $"{SafeText.Several([.. Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path)).Order()])}. "
                + "Copy these files of the checkpoint into the folder.");
    }

    private static BertTokenizer WordPiece(TokenList tokens, TokenizerConfig config)
    {
        if (config.Class is { } name && s_bytePairClasses.Contains(name))
        {
            throw new InvalidDataException(
                $"{TokenizerConfig.FileName} asks for {SafeText.Quoted(name)}, but the vocabulary beside it is {tokens.Source} of a "
                + $"WordPiece tokenizer; expected {BytePairFile} and {MergesFile}. Take the files from one checkpoint.");
        }
        var isMpNet = config.Class == "MPNetTokenizer";
        return new BertTokenizer(tokens, new BertOptions
        {
            LowerCase = config.LowerCase ?? !HasCapitals(tokens),
            StripAccents = config.StripAccents,
            SeparateIdeographs = config.SeparateIdeographs ?? true,
            Specials = config.NamesOr(isMpNet ? SpecialNames.MpNet : SpecialNames.Bert),
            PairSeparators = isMpNet ? 2 : 1,
        });
    }

    // An uncased text never looks for a word such as "The"; specials such as [CLS] do not count.
    private static bool HasCapitals(TokenList tokens) =>
        tokens.All.Any(token => token[0] is not ('[' or '<') && token.Any(char.IsAsciiLetterUpper));

    private static BytePairTokenizer BytePairs(string vocabulary, string merges, TokenizerConfig config)
    {
        using var file = new JsonFile(Read(vocabulary), Quoted(vocabulary));
        var tokens = new string?[file.Root.Element.GetPropertyCount()];
        foreach (var (token, value) in file.Root.Properties())
        {
            var id = value.Element.ValueKind == JsonValueKind.Number && value.Element.TryGetInt32(out var number) ? number : -1;
            if (id < 0 || id >= tokens.Length || tokens[id] is not null)
            {
                throw file.Root.Refuse(
                    $"{SafeText.Quoted(token)} has number {SafeText.Of(value.Element.GetRawText())}",
                    $"expected each number from 0 to {tokens.Length - 1} once");
            }
            tokens[id] = token;
        }
        var lines = TokenList.Lines(Read(merges), Quoted(merges));
        return new BytePairTokenizer(
            new TokenList(tokens!, Quoted(vocabulary)),
            lines is [var first, ..] && first.StartsWith("#version", StringComparison.Ordinal) ? lines[1..] : lines,
            new BytePairOptions
            {
                Specials = config.NamesOr(SpecialNames.Roberta),
                PairSeparators = 2,
                AddPrefixSpace = config.AddPrefixSpace ?? false,
            });
    }

    private static TokenizerConfig Config(string folder)
    {
        var config = new TokenizerConfig();
        if (Find(folder, TokenizerConfig.FileName) is { } path)
        {
            using var file = new JsonFile(Read(path), Quoted(path));
            config = TokenizerConfig.Parse(file);
        }
        if (Find(folder, AddedFile) is { } tokens)
        {
            using var added = new JsonFile(Read(tokens), Quoted(tokens));
            config = config.WithAdded(added);
        }
        return config;
    }

    private static string? Find(string folder, string name) => Path.Combine(folder, name) is var path && Path.Exists(path) ? path : null;

    private static byte[] Read(string path)
    {
        if (OrdinaryFile.Refuse(path) is { } reason)
            throw new InvalidDataException($"{Quoted(path)} cannot be read: {reason}. Take the file from the checkpoint again.");
        var length = new FileInfo(path).Length;
        return length <= TokenList.MaximumBytes ? File.ReadAllBytes(path)
            : throw new InvalidDataException(
                $"{Quoted(path)} has {length} bytes; expected at most {TokenList.MaximumBytes}: it is not a tokenizer's file.");
    }

    private static string Quoted(string path) => SafeText.Quoted(path, SafeText.SentenceLength);
}
