using System.Text.Json;

namespace MlNetFineTune.Tokenizers;

/// <summary>Hugging Face's <c>tokenizer.json</c>, which describes a tokenizer as a chain of parts: those of BERT and of byte-level BPE
/// are known, and every other part is refused by its name, because each would change the numbers that the network reads.</summary>
internal static class TokenizerJson
{
    public const string FileName = "tokenizer.json";

    /// <param name="file">The file.</param>
    /// <param name="config">What the file beside it says, which has the last word as in transformers.</param>
    /// <exception cref="InvalidDataException">It is damaged, or describes another tokenizer.</exception>
    public static Tokenizer Read(JsonFile file, TokenizerConfig config)
    {
        try
        {
            var root = file.Root;
            var model = root.Get("model");
            var type = model.Text("type") ?? (model.Find("merges") is null ? null : "BPE"); // older files do not say it
            return type switch
            {
                "WordPiece" => ReadWordPiece(root, model, config),
                "BPE" => ReadBytePairs(root, model, config),
                _ => throw root.Refuse($"its model is {SafeText.Quoted(type ?? "not named")}", TokenizerFiles.Supported),
            };
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException) // half a character as a name; an option's range
        {
            throw new InvalidDataException($"{file.Root.Source} cannot be used: {SafeText.Message(e)}", e);
        }
    }

    private static BertTokenizer ReadWordPiece(JsonPart root, JsonPart model, TokenizerConfig config)
    {
        var normalizer = Part(root, "normalizer", "BertNormalizer");
        Part(root, "pre_tokenizer", "BertPreTokenizer");
        if (normalizer.Flag("clean_text") == false)
            throw root.Refuse("normalizer.clean_text is false", "expected true: control characters and spaces are cleaned as in BERT");
        var (usual, separators) = Template(root);
        usual = config.NamesOr(usual with { Unknown = model.Text("unk_token") ?? usual.Unknown });
        foreach (var added in Added(root).Where(added => !usual.Contain(added.Content)))
        {
            throw added.IsSpecial ? TokenizerConfig.Refused(root, added.Content)
                : root.Refuse($"it adds the word {SafeText.Quoted(added.Content)}",
                    "expected special tokens alone, because words of the user's text are not taken out before the rules");
        }
        return new BertTokenizer(Tokens(root, model), new BertOptions
        {
            LowerCase = config.LowerCase ?? normalizer.Flag("lowercase") ?? true,
            StripAccents = config.StripAccents ?? normalizer.Flag("strip_accents"),
            SeparateIdeographs = config.SeparateIdeographs ?? normalizer.Flag("handle_chinese_chars") ?? true,
            MaximumWordLength = model.Number("max_input_chars_per_word") ?? 100,
            ContinuationPrefix = model.Text("continuing_subword_prefix") ?? "##",
            Specials = usual,
            PairSeparators = separators,
        });
    }

    private static BytePairTokenizer ReadBytePairs(JsonPart root, JsonPart model, TokenizerConfig config)
    {
        var normalizer = root.Find("normalizer");
        if (normalizer is { } other && other.Text("type") is var kind and not "NFC")
            throw root.Refuse($"its normalizer is {SafeText.Quoted(kind)}", "expected none, as RoBERTa, or NFC, as ModernBERT");
        var splitter = Part(root, "pre_tokenizer", "ByteLevel");
        if (splitter.Flag("use_regex") == false)
            throw root.Refuse("pre_tokenizer.use_regex is false", "expected the words of GPT-2");
        foreach (var name in (string[])["byte_fallback", "ignore_merges"])
        {
            if (model.Flag(name) == true)
                throw root.Refuse($"model.{name} is true", "expected false, as RoBERTa");
        }
        foreach (var name in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
        {
            if (model.Text(name) is { Length: > 0 } affix)
                throw root.Refuse($"model.{name} is {SafeText.Quoted(affix)}", "expected none, as RoBERTa");
        }
        if (model.Find("dropout") is { } dropout && (dropout.Element.ValueKind != JsonValueKind.Number || dropout.Element.GetDouble() != 0))
            throw root.Refuse("model.dropout is set", "expected none: the pieces of a text are always the same");
        var (usual, separators) = Template(root);
        var added = Added(root);
        var names = config.NamesOr(
            usual with { Unknown = model.Text("unk_token") ?? usual.Unknown }, added.Select(one => one.Content).ToHashSet());
        added = [.. added.Where(one => !names.Contain(one.Content))];
        foreach (var one in added)
            RefuseOtherMatching(root, one);
        return new BytePairTokenizer(Tokens(root, model), [.. model.Get("merges").Items().Select(Merge)], new BytePairOptions
        {
            Specials = names,
            PairSeparators = separators,
            AddPrefixSpace = config.AddPrefixSpace ?? splitter.Flag("add_prefix_space") ?? false,
            Composes = normalizer is not null,
            RawTokens = [.. added.Where(one => !one.IsNormalized).Select(one => one.Content)],
            ComposedTokens = [.. added.Where(one => one.IsNormalized).Select(one => one.Content)],
        });
    }

    private static void RefuseOtherMatching(JsonPart root, AddedToken added)
    {
        if (added.Content.Length == 0)
            throw root.Refuse("it adds an empty token", "expected a text");
        foreach (var name in (string[])["single_word", "lstrip", "rstrip"])
        {
            if (added.Part.Flag(name) == true)
                throw root.Refuse($"{name} of its added token {SafeText.Quoted(added.Content)} is true", "expected false");
        }
    }

    private static List<AddedToken> Added(JsonPart root) =>
        [.. (root.Find("added_tokens")?.Items() ?? []).Select(part => new AddedToken(part.Get("content").AsText(), part))];

    private static string Merge(JsonPart merge) => merge.Element.ValueKind == JsonValueKind.String ? merge.AsText()
        : merge.Items().ToList() is [var left, var right] ? $"{left.AsText()} {right.AsText()}"
        : throw merge.Refuse($"{merge.Path} is not a pair", "expected two tokens");

    private static JsonPart Part(JsonPart root, string name, string expected)
    {
        var part = root.Find(name);
        var found = part?.Text("type");
        return found == expected ? part!.Value
            : throw root.Refuse($"its {name} is {(found is null ? "missing" : SafeText.Quoted(found))}",
                $"expected '{expected}' with a model {SafeText.Quoted(root.Get("model").Text("type"))}. {TokenizerFiles.Supported}");
    }

    // How one text and two texts are framed.
    private static (SpecialNames Names, int PairSeparators) Template(JsonPart root)
    {
        if (root.Find("post_processor") is not { } frame)
            return (SpecialNames.Bert, 1);
        switch (frame.Text("type"))
        {
            case "BertProcessing" or "RobertaProcessing":
                var isBert = frame.Text("type") == "BertProcessing";
                var usual = isBert ? SpecialNames.Bert : SpecialNames.Roberta;
                return (usual with { Start = First("cls") ?? usual.Start, End = First("sep") ?? usual.End }, isBert ? 1 : 2);
            case "TemplateProcessing":
                var pair = frame.Get("pair").Items().ToList();
                var (start, second) = (Special(pair.FirstOrDefault()), pair.FindLastIndex(part => part.Find("Sequence") is not null));
                var between = pair.Take(Math.Max(second, 0)).Skip(1).Where(part => Special(part) is not null).ToList();
                var end = between.Count > 0 ? Special(between[0]) : null;
                var single = frame.Get("single").Items().Select(part => Special(part) ?? "").ToList();
                if (start is null || end is null || !single.SequenceEqual([start, "", end]) || Special(pair[^1]) != end
                    || between.Any(part => Special(part) != end) || between.Count > 2 || pair.Count != 4 + between.Count)
                {
                    throw root.Refuse("its post_processor is another template",
                        "expected [CLS] a [SEP] and [CLS] a [SEP] b [SEP], or <s> a </s> and <s> a </s></s> b </s>");
                }
                return ((start == SpecialNames.Bert.Start ? SpecialNames.Bert : SpecialNames.Roberta) with { Start = start, End = end },
                    between.Count);
            default:
                throw root.Refuse($"its post_processor is {SafeText.Quoted(frame.Text("type"))}",
                    "expected BertProcessing, RobertaProcessing or TemplateProcessing");
        }

        string? First(string name) => frame.Find(name)?.Items().FirstOrDefault() is { Element.ValueKind: JsonValueKind.String } first
            ? first.AsText()
            : null;

        static string? Special(JsonPart part) => part.Find("SpecialToken")?.Text("id");
    }

    // The model's vocabulary, with the added tokens that are kept beside it.
    private static TokenList Tokens(JsonPart root, JsonPart model)
    {
        var numbered = new SortedDictionary<int, string>();
        foreach (var (token, id) in model.Get("vocab").Properties())
            Add(token, id.AsNumber());
        foreach (var added in Added(root))
            Add(added.Content, added.Part.Get("id").AsNumber());
        if (numbered.Count == 0 || numbered.Keys.First() != 0 || numbered.Keys.Last() != numbered.Count - 1)
        {
            throw root.Refuse(
                $"its {numbered.Count} tokens have numbers {numbered.Keys.FirstOrDefault()} to {numbered.Keys.LastOrDefault()}",
                "expected each number from 0 once");
        }
        return new TokenList([.. numbered.Values], root.Source);

        void Add(string token, int id)
        {
            if (id < 0 || !numbered.TryAdd(id, token) && numbered[id] != token)
            {
                throw root.Refuse($"{SafeText.Quoted(token)} has number {id}" + (id < 0 ? "" : $", as {SafeText.Quoted(numbered[id])} has"),
                    "expected each number from 0 once");
            }
        }
    }

    private readonly record struct AddedToken(string Content, JsonPart Part)
    {
        public bool IsSpecial => Part.Flag("special") == true;

        /// <summary>Whether it is looked for in the normalized text.</summary>
        public bool IsNormalized => Part.Flag("normalized") ?? !IsSpecial;
    }
}
