using System.Text.Json;

namespace MlNetFineTune.Tokenizers;

/// <summary>What <c>tokenizer_config.json</c> says of a tokenizer; null where it says nothing.</summary>
internal sealed record TokenizerConfig
{
    public const string FileName = "tokenizer_config.json";

    /// <summary>Name of the class in transformers, without the "Fast" of its twin.</summary>
    public string? Class { get; init; }

    public bool? LowerCase { get; init; }

    public bool? StripAccents { get; init; }

    public bool? SeparateIdeographs { get; init; }

    public bool? AddPrefixSpace { get; init; }

    public string? StartToken { get; init; }

    public string? EndToken { get; init; }

    public string? PaddingToken { get; init; }

    public string? UnknownToken { get; init; }

    public string? MaskToken { get; init; }

    /// <summary>Tokens that are taken out of the text before the rules, and the file that says so.</summary>
    public IReadOnlyList<(string Token, JsonPart Where)> Added { get; init; } = [];

    /// <exception cref="InvalidDataException">It is not proper, or asks for what is not supported.</exception>
    public static TokenizerConfig Parse(JsonFile file)
    {
        var root = file.Root;
        if (root.Flag("do_basic_tokenize") == false)
            throw root.Refuse("do_basic_tokenize is false", "expected a tokenizer that splits text at spaces and punctuation");
        if (root.Find("never_split")?.Items().Any() == true)
        {
            throw root.Refuse(
                "never_split names words", "expected null, because words of the user's text are not treated as special tokens");
        }
        return new TokenizerConfig
        {
            Class = root.Text("tokenizer_class") is { } name && name.EndsWith("Fast", StringComparison.Ordinal) ? name[..^"Fast".Length]
                : root.Text("tokenizer_class"),
            LowerCase = root.Flag("do_lower_case"),
            StripAccents = root.Flag("strip_accents"),
            SeparateIdeographs = root.Flag("tokenize_chinese_chars"),
            AddPrefixSpace = root.Flag("add_prefix_space"),
            StartToken = Token(root, "cls_token"),
            EndToken = Token(root, "sep_token"),
            PaddingToken = Token(root, "pad_token"),
            UnknownToken = Token(root, "unk_token"),
            MaskToken = Token(root, "mask_token"),
            Added =
            [
                .. (root.Find("added_tokens_decoder")?.Properties() ?? []).Select(one => (one.Value.Get("content").AsText(), root)),
                .. (root.Find("additional_special_tokens")?.Items() ?? []).Select(one => (ContentOf(one), root)),
            ],
        };
    }

    /// <summary>With the tokens of <c>added_tokens.json</c>, where older checkpoints name them by number.</summary>
    /// <exception cref="InvalidDataException">It is not an object.</exception>
    public TokenizerConfig WithAdded(JsonFile file) =>
        this with { Added = [.. Added, .. file.Root.Properties().Select(one => (one.Name, file.Root))] };

    /// <summary>The names of the special tokens: what is said here, or else the usual ones.</summary>
    /// <param name="usual">The usual names.</param>
    /// <param name="takenOut">Other tokens that the tokenizer takes out of a text; null for none.</param>
    /// <exception cref="InvalidDataException">There are other added tokens.</exception>
    public SpecialNames NamesOr(SpecialNames usual, IReadOnlySet<string>? takenOut = null)
    {
        var names = new SpecialNames(
            StartToken ?? usual.Start, EndToken ?? usual.End, PaddingToken ?? usual.Padding, UnknownToken ?? usual.Unknown,
            MaskToken ?? usual.Mask);
        foreach (var (token, where) in Added)
        {
            if (!names.Contain(token) && takenOut?.Contains(token) != true)
                throw Refused(where, token);
        }
        return names;
    }

    /// <summary>The error about a token that would be tokenized as text here, and as one token in transformers.</summary>
    public static InvalidDataException Refused(JsonPart where, string token) => where.Refuse(
        $"it adds the special token {SafeText.Quoted(token)}",
        "expected the tokens of start, end, padding, unknown and mask alone, because no other token is taken out of a text before the "
        + "rules: choose a checkpoint without it, or, if it has one of these five roles, name it in "
        + $"{FileName} (cls_token, sep_token, pad_token, unk_token, mask_token)");

    // A text, or an object that says how it is matched as well.
    private static string? Token(JsonPart root, string name) =>
        root.Find(name) is { } token ? ContentOf(token) : null;

    private static string ContentOf(JsonPart token) =>
        token.Element.ValueKind == JsonValueKind.Object ? token.Get("content").AsText() : token.AsText();
}
