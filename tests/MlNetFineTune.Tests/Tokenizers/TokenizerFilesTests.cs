using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Tokenizers;

namespace MlNetFineTune.Tests.Tokenizers;

/// <summary>The tokenizer of a checkpoint's folder, and what is wrong with one.</summary>
[TestClass]
public sealed class TokenizerFilesTests
{
    [TestMethod]
    public void AByteOrderMarkAndWindowsLineBreaksChangeNothing()
    {
        var plain = Encoding.UTF8.GetString(SmallTokenizers.VocabularyFile);
        var windows = plain.Replace("\n", "\r\n", StringComparison.Ordinal);
        foreach (var text in (string[])[plain, '\ufeff' + plain, windows, '\ufeff' + windows, plain + "\n\n", plain[..^1]])
            Assert.AreEqual(SmallTokenizers.Bert("cased").Describe().Hash, Open(("vocab.txt", text)).Describe().Hash);
    }

    [TestMethod]
    public void TheConfigurationIsFollowed()
    {
        var vocabulary = ("vocab.txt", Encoding.UTF8.GetString(SmallTokenizers.VocabularyFile));
        foreach (var (config, form) in ((string, string)[])
            [
                ("""{"do_lower_case": true, "never_split": null, "tokenizer_class": "BertTokenizerFast"}""", "uncased"),
                ("""{"do_lower_case": false, "strip_accents": null}""", "cased"),
                ("""{"do_lower_case": true, "strip_accents": false}""", "lower case with accents"),
                ("""{"do_lower_case": false, "strip_accents": true}""", "cased without accents"),
                ("""{"do_lower_case": true, "tokenize_chinese_chars": false, "cls_token": {"content": "[CLS]"}}""", "ideographs in words"),
            ])
        {
            var tokenizer = Open(vocabulary, ("tokenizer_config.json", config));
            Assert.AreEqual(SmallTokenizers.Bert(form).Describe().Hash, tokenizer.Describe().Hash);
        }
    }

    [TestMethod]
    public void AVocabularyWithCapitalLettersIsCasedUnlessItIsToldOtherwise()
    {
        Assert.AreEqual("BERT WordPiece, cased", Open(("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nThe\nthe")).Name);
        Assert.AreEqual("BERT WordPiece, uncased", Open(("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe")).Name);
        Assert.AreEqual("BERT WordPiece, uncased", Open(
            ("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nThe"), ("tokenizer_config.json", """{"do_lower_case": true}""")).Name);
    }

    [TestMethod]
    public void MpNetHasRobertasFrame()
    {
        var tokenizer = Open(("vocab.txt", "<s>\n<pad>\n</s>\n<unk>\n[UNK]\nthe\n<mask>"),
            ("tokenizer_config.json", """{"tokenizer_class": "MPNetTokenizer", "do_lower_case": true}"""));

        Assert.AreEqual(new SpecialTokens(0, 2, 1, 4, 6), tokenizer.Specials);
        Assert.AreEqual(2, tokenizer.PairSeparators);
    }

    [TestMethod]
    public void TheFiveSpecialTokensMayBeAddedTokens()
    {
        var vocabulary = ("vocab.txt", Encoding.UTF8.GetString(SmallTokenizers.VocabularyFile));
        var tokenizer = Open(vocabulary, ("added_tokens.json", """{"[PAD]": 0}"""), ("tokenizer_config.json",
            """{"do_lower_case": true, "added_tokens_decoder": {"0": {"content": "[PAD]"}}, "additional_special_tokens": ["[MASK]"]}"""));
        Assert.AreEqual(SmallTokenizers.Bert().Describe().Hash, tokenizer.Describe().Hash);
    }

    [TestMethod]
    public void ATokenThatVocabTxtCannotHoldIsRefused()
    {
        foreach (var tokens in (string[][])[["\ufeffa", "b"], ["a", "b\r"]])
            Assert.ThrowsExactly<InvalidDataException>(() => new TokenList(tokens, "'test'"));
        _ = new TokenList(["a", "\ufeffb"], "'test'");
    }

    [TestMethod]
    public void TokenizerJsonGivesTheSameAsVocabTxt()
    {
        var expected = SmallTokenizers.Bert().Describe().Hash;

        Assert.AreEqual(expected, Open(("tokenizer.json", WordPiece().ToJsonString())).Describe().Hash);
        Assert.AreEqual(expected, Open(("tokenizer.json", WordPiece().ToJsonString()), ("vocab.txt", "not read")).Describe().Hash);
        Assert.AreEqual(SmallTokenizers.Bert("cased").Describe().Hash, Open(
            ("tokenizer.json", WordPiece().ToJsonString()), ("tokenizer_config.json", """{"do_lower_case": false}""")).Describe().Hash);
    }

    [TestMethod]
    public void TokenizerJsonOfRobertaGivesTheSameAsItsTwoFiles()
    {
        using var folder = new Folder();
        SmallTokenizers.CopyBytePairs(folder);
        var merges = File.ReadAllLines(folder.File("merges.txt"))[1..];
        var json = new JsonObject
        {
            ["added_tokens"] = new JsonArray(Added(0, "<s>"), Added(3, "<unk>")),
            ["normalizer"] = null,
            ["pre_tokenizer"] = JsonNode.Parse("""{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true}"""),
            ["post_processor"] = JsonNode.Parse("""{"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0]}"""),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = JsonNode.Parse(File.ReadAllText(folder.File("vocab.json"))),
                ["merges"] = new JsonArray([.. merges.Select(merge => JsonValue.Create(merge))]),
            },
        };
        var expected = SmallTokenizers.BytePairs().Describe().Hash;

        Assert.AreEqual(expected, Open(("tokenizer.json", json.ToJsonString())).Describe().Hash);
        json["model"]!["merges"] = new JsonArray([.. merges.Select(merge =>
            new JsonArray([.. merge.Split(' ').Select(token => JsonValue.Create(token))]))]);
        Assert.AreEqual(expected, Open(("tokenizer.json", json.ToJsonString())).Describe().Hash);
        foreach (var (path, value, reason) in ((string, string, string)[])
            [
                ("normalizer", """{"type": "NFKC"}""", "'NFKC'"), ("pre_tokenizer", """{"type": "Split"}""", "'Split'"),
                ("pre_tokenizer", """{"type": "ByteLevel", "use_regex": false}""", "use_regex"),
                ("model.byte_fallback", "true", "byte_fallback"), ("model.end_of_word_suffix", "\"</w>\"", "</w>"),
                ("model.dropout", "0.1", "dropout"), ("model.merges", """[["a"]]""", "model.merges[0]"),
            ])
        {
            Refused(reason, ("tokenizer.json", Changed(json, path, value)));
        }
    }

    [TestMethod]
    [DataRow("normalizer", "null", "its normalizer is missing; expected 'BertNormalizer'")]
    [DataRow("normalizer", """{"type": "Lowercase"}""", "its normalizer is 'Lowercase'")]
    [DataRow("normalizer", """{"type": "BertNormalizer", "clean_text": false}""", "clean_text")]
    [DataRow("normalizer", """{"type": "BertNormalizer", "lowercase": "yes"}""", "normalizer.lowercase is a text; expected true or false")]
    [DataRow("pre_tokenizer", """{"type": "Whitespace"}""", "its pre_tokenizer is 'Whitespace'")]
    [DataRow("post_processor", """{"type": "ByteLevel"}""", "its post_processor is 'ByteLevel'")]
    [DataRow("post_processor", """{"type": "TemplateProcessing", "single": [], "pair": []}""", "another template")]
    [DataRow("model.type", "\"Unigram\"", "Unigram and SentencePiece")]
    [DataRow("model.type", "\"WordLevel\"", "'WordLevel'")]
    [DataRow("model.type", "null", "'not named'")]
    [DataRow("model", "null", "model is missing")]
    [DataRow("model.vocab", "[]", "model.vocab is a list; expected an object")]
    [DataRow("model.vocab", """{"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "[PAD]": 4}""", "expected each number from 0 once")]
    [DataRow("model.vocab", """{"[UNK]": 0, "[CLS]": 0}""", "expected each number from 0 once")]
    [DataRow("model.vocab", """{"[UNK]": -1}""", "has number -1")]
    [DataRow("model.vocab", """{"[UNK]": 1.5}""", "whole number")]
    [DataRow("model.max_input_chars_per_word", "0", "between 1 and 10000")]
    [DataRow("model.continuing_subword_prefix", "\"\"", "1 to 16 characters")]
    [DataRow("added_tokens", """[{"id": 3, "content": "@USER", "special": false}]""", "'@USER'")]
    [DataRow("added_tokens", """[{"id": 3}]""", "content is missing")]
    [DataRow("added_tokens", """[{"id": 4, "content": "[E1]", "special": true}]""", "adds the special token '[E1]'")]
    public void WhatIsNotBertsInTokenizerJsonIsRefusedByName(string path, string value, string reason)
    {
        var json = WordPiece();
        json["model"]!["vocab"] = JsonNode.Parse("""{"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "[PAD]": 3}""");
        json["added_tokens"] = new JsonArray();
        _ = Open(("tokenizer.json", json.ToJsonString()));

        Refused(reason, ("tokenizer.json", Changed(json, path, value)));
    }

    [TestMethod]
    public void ATemplateTellsTheFrame()
    {
        var json = WordPiece();
        json["post_processor"] = JsonNode.Parse("""
            {"type": "TemplateProcessing",
             "single": [{"SpecialToken": {"id": "[CLS]"}}, {"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "[SEP]"}}],
             "pair": [{"SpecialToken": {"id": "[CLS]"}}, {"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "[SEP]"}},
                      {"SpecialToken": {"id": "[SEP]"}}, {"Sequence": {"id": "B"}}, {"SpecialToken": {"id": "[SEP]"}}]}
            """);

        var tokenizer = Open(("tokenizer.json", json.ToJsonString()));

        Assert.AreEqual(2, tokenizer.PairSeparators);
        Assert.AreEqual(SmallTokenizers.Bert().Specials, tokenizer.Specials);
    }

    [TestMethod]
    [DataRow("[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\nthe", "'the' is token 4 and token 5")]
    [DataRow("[PAD]\n[UNK]\n\n[CLS]\n[SEP]", "token 2 is empty")]
    [DataRow("[PAD]\n[UNK]\nthe", "'[CLS]', '[SEP]'")]
    [DataRow("", "the file is empty")]
    [DataRow("\n\n", "it has no tokens")]
    public void ABadVocabularyIsRefused(string vocabulary, string reason) => Refused(reason, ("vocab.txt", vocabulary));

    [TestMethod]
    public void AVocabularyThatIsNotTextIsRefused()
    {
        using var folder = new Folder();
        File.WriteAllBytes(folder.File("vocab.txt"), [0x61, 0xff, 0xfe]);

        var e = Assert.ThrowsExactly<InvalidDataException>(() => TokenizerFiles.Open(folder.Path));

        Assert.Contains("it is not UTF-8 text", e.Message);
        Assert.Contains(folder.File("vocab.txt"), e.Message);
    }

    [TestMethod]
    [DataRow("tokenizer_config.json", "{", "is not proper JSON")]
    [DataRow("tokenizer_config.json", "[]", "expected an object")]
    [DataRow("tokenizer_config.json", """{"a": 1, "a": 2}""", "is not proper JSON")]
    [DataRow("tokenizer_config.json", """{"do_lower_case": 1}""", "do_lower_case is a number; expected true or false")]
    [DataRow("tokenizer_config.json", """{"cls_token": 3}""", "cls_token is a number; expected a text")]
    [DataRow("tokenizer_config.json", """{"never_split": ["x"]}""", "never_split")]
    [DataRow("tokenizer_config.json", """{"do_basic_tokenize": false}""", "do_basic_tokenize")]
    [DataRow("tokenizer_config.json", """{"tokenizer_class": "BertJapaneseTokenizer"}""", "'BertJapaneseTokenizer'")]
    [DataRow("tokenizer_config.json", """{"tokenizer_class": "XLMRobertaTokenizer"}""", "Unigram and SentencePiece")]
    [DataRow("tokenizer_config.json", """{"tokenizer_class": "RobertaTokenizer"}""", "expected vocab.json and merges.txt")]
    [DataRow(
        "tokenizer_config.json", """{"added_tokens_decoder": {"5": {"content": "[E1]", "special": true}}}""",
        "adds the special token '[E1]'")]
    [DataRow("tokenizer_config.json", """{"additional_special_tokens": ["[E1]"]}""", "adds the special token '[E1]'")]
    [DataRow("tokenizer_config.json", """{"additional_special_tokens": [{"content": "@USER"}]}""", "choose a checkpoint without it")]
    [DataRow("added_tokens.json", """{"[E1]": 30000}""", "adds the special token '[E1]'")]
    [DataRow("added_tokens.json", "[]", "expected an object")]
    [DataRow("tokenizer.json", "nonsense", "is not proper JSON")]
    [DataRow("tokenizer.json", "{\"model\": {\"type\": \"WordPiece\"}, \"\\ud800\": 1}", "is not proper JSON")]
    public void ABadFileBesideTheVocabularyIsRefused(string name, string content, string reason) =>
        Refused(reason, ("vocab.txt", Encoding.UTF8.GetString(SmallTokenizers.VocabularyFile)), (name, content));

    [TestMethod]
    public void AFolderWithoutATokenizerSaysWhatIsExpected()
    {
        using var folder = new Folder();
        File.WriteAllText(folder.File("config.json"), "{}");

        var missing = Assert.ThrowsExactly<FileNotFoundException>(() => TokenizerFiles.Open(folder.Path));
        Assert.Contains("vocab.txt", missing.Message);
        Assert.Contains("config.json", missing.Message);

        File.WriteAllText(folder.File("spiece.model"), "x");
        Assert.Contains("SentencePiece", Assert.ThrowsExactly<InvalidDataException>(() => TokenizerFiles.Open(folder.Path)).Message);

        var none = Assert.ThrowsExactly<DirectoryNotFoundException>(() => TokenizerFiles.Open(folder.File("none")));
        Assert.Contains(folder.File("none"), none.Message);
    }

    [TestMethod]
    public void TheTokenizerOfMiniLmIsRead()
    {
        var tokenizer = TokenizerFiles.Open(SharedData.RequireOrSkip("weights/all-MiniLM-L6-v2"));

        Assert.AreEqual("BERT WordPiece, uncased", tokenizer.Name);
        Assert.AreEqual(30522, tokenizer.VocabularySize);
        Assert.AreEqual(new SpecialTokens(101, 102, 0, 100, 103), tokenizer.Specials);
        Assert.AreEqual(1, tokenizer.PairSeparators);
        Assert.AreEqual("hello , token ##izer ##s [UNK] !", tokenizer.Spell("Hello, Tokenizers \U0001f980!"));
    }

    private static JsonObject WordPiece() => new()
    {
        ["version"] = "1.0",
        ["truncation"] = null,
        ["added_tokens"] = new JsonArray(Added(0, "[PAD]"), Added(10, "[UNK]")),
        ["normalizer"] = JsonNode.Parse(
            """{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true}"""),
        ["pre_tokenizer"] = JsonNode.Parse("""{"type": "BertPreTokenizer"}"""),
        ["post_processor"] = JsonNode.Parse("""{"type": "BertProcessing", "sep": ["[SEP]", 12], "cls": ["[CLS]", 11]}"""),
        ["model"] = new JsonObject
        {
            ["type"] = "WordPiece",
            ["unk_token"] = "[UNK]",
            ["continuing_subword_prefix"] = "##",
            ["max_input_chars_per_word"] = 100,
            ["vocab"] = new JsonObject(SmallTokenizers.Tokens.All.Index().Select(token =>
                KeyValuePair.Create(token.Item, (JsonNode?)JsonValue.Create(token.Index)))),
        },
    };

    private static JsonObject Added(int id, string content) => new() { ["id"] = id, ["content"] = content, ["special"] = true };

    private static string Changed(JsonObject json, string path, string value)
    {
        var copy = json.DeepClone();
        var names = path.Split('.');
        var parent = names.Length == 1 ? copy : copy[names[0]]!;
        parent[names[^1]] = JsonNode.Parse(value);
        return copy.ToJsonString(JsonSerializerOptions.Default);
    }

    private static Tokenizer Open(params (string Name, string Content)[] files)
    {
        using var folder = new Folder();
        foreach (var (name, content) in files)
            File.WriteAllText(folder.File(name), content);
        return TokenizerFiles.Open(folder.Path);
    }

    private static void Refused(string reason, params (string Name, string Content)[] files)
    {
        var e = Assert.ThrowsExactly<InvalidDataException>(() => Open(files));
        Assert.Contains(reason, e.Message);
    }
}
