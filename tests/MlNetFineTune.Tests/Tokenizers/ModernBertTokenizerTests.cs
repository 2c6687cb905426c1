using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Tokenizers;

namespace MlNetFineTune.Tests.Tokenizers;

/// <summary>
/// A tokenizer.json of ModernBERT's form against Hugging Face's own tokenizers library (tools/reference/modernbert_tokenizer.mjs).
/// </summary>
[TestClass]
public sealed class ModernBertTokenizerTests
{
    private static readonly JsonElement s_reference = Fixture.Read("modernbert-tokenizer.json");
    private static readonly Tokenizer s_tokenizer = Open(Json());

    private static RandomTexts Texts => new(
        SmallTokenizers.Oracle, (ulong)s_reference.Number("seed"),
        [.. s_reference.GetProperty("words").EnumerateArray().Select(word => word.GetString()!)]);

    [TestMethod]
    public void RandomTextsHaveTheIdsOfHuggingFace()
    {
        var texts = Texts;
        var leftOut = s_reference.GetProperty("leftOut").Numbers().Select(number => (int)number).ToHashSet();
        Assert.IsLessThan(400, leftOut.Count);
        foreach (var (block, expected) in s_reference.GetProperty("blocks").EnumerateArray().Index())
        {
            var all = Enumerable.Range(1000 * block, 1000).Select(number => (number, Text: texts.Next())).ToList();
            var ids = all.Where(text => !leftOut.Contains(text.number))
                .Select(text => s_tokenizer.Encode(text.Text).ConvertAll(piece => new TextPiece(piece.Id, 0, 0)));
            Assert.AreEqual(expected.GetString(), RandomTexts.HashOf(ids), $"block {block}");
        }
    }

    [TestMethod]
    public void NastyTextsHaveTheIdsOfHuggingFace()
    {
        foreach (var text in s_reference.GetProperty("cases").EnumerateArray())
        {
            Assert.AreEqual(
                string.Join(' ', text.GetProperty("ids").Numbers()),
                string.Join(' ', s_tokenizer.Encode(text.Text("text")).Select(piece => piece.Id)), text.GetRawText());
        }
    }

    [TestMethod]
    public void RangesAreThoseOfTheUsersText()
    {
        var texts = Texts;
        for (var i = 0; i < 5000; i++)
        {
            var text = texts.Next();
            var pieces = s_tokenizer.Encode(text);
            TokenizerChecks.RangesAscend(text, pieces);
            var end = 0;
            foreach (var piece in pieces)
            {
                // Between two pieces is at most the space before a word.
                Assert.IsTrue(piece.Start <= end || text[end..piece.Start] == " ", JsonSerializer.Serialize(text));
                end = piece.End;
            }
            Assert.AreEqual(text.Length, end, JsonSerializer.Serialize(text));
        }
        var found = s_tokenizer.Encode("e\u0301  [unused1]\ud800 x").Select(piece => (piece.Start, piece.End)).ToArray();
        CollectionAssert.AreEqual(new[] { (0, 2), (2, 4), (4, 13), (14, 15), (15, 16) }, found);
    }

    [TestMethod]
    public void NamesOfSpecialTokensInATextStayText()
    {
        foreach (var name in (string[])["[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]", "a [SEP] b"])
        {
            var ids = s_tokenizer.Encode(name).Select(piece => piece.Id).ToHashSet();
            var (start, end, padding, unknown, mask) = s_tokenizer.Specials;
            Assert.IsFalse(ids.Overlaps([start, end, padding, unknown, mask!.Value]), name);
        }
        Assert.AreEqual("[CLS] [SEP] [PAD] [UNK] [MASK]", string.Join(' ', ((int[])[
            s_tokenizer.Specials.Start, s_tokenizer.Specials.End, s_tokenizer.Specials.Padding, s_tokenizer.Specials.Unknown,
            s_tokenizer.Specials.Mask!.Value]).Select(s_tokenizer.TokenOf)));
        Assert.AreEqual(1, s_tokenizer.PairSeparators);
    }

    [TestMethod]
    public void ADescriptionCreatesTheSameTokenizer()
    {
        TokenizerChecks.IsCreatedAgain(s_tokenizer, Texts);
        foreach (var change in (Action<JsonObject>[])[
            json => json["normalizer"] = null,
            json => json["added_tokens"]!.AsArray().First(added => (string?)added!["content"] == "  ")!["normalized"] = false])
        {
            var changed = Json();
            change(changed);
            Assert.AreNotEqual(s_tokenizer.Describe().Hash, Open(changed).Describe().Hash);
        }
        var described = (BytePairTokenizerManifest)s_tokenizer.Describe();
        foreach (var manifest in (BytePairTokenizerManifest[])[
            described with { RawTokenCount = -1 }, described with { ComposedTokenCount = 1 << 30 }, described with { TokenCount = 0 }])
        {
            Assert.ThrowsExactly<ArgumentException>(() => manifest.Create(described.Vocabulary));
        }
    }

    [TestMethod]
    public void AnOlderDescriptionIsStillRead()
    {
        var described = SmallTokenizers.BytePairs(addPrefixSpace: true).Describe();
        var json = JsonSerializer.SerializeToNode(described)!.AsObject();
        foreach (var name in (string[])["Composes", "RawTokenCount", "ComposedTokenCount"])
            Assert.IsTrue(json.Remove(name), name);
        Assert.AreEqual(described, json.Deserialize<TokenizerManifest>());
    }

    [TestMethod]
    public void CharactersAreComposedAsInTheWholeText()
    {
        var texts = Texts;
        for (var i = 0; i < 20_000; i++)
        {
            var text = texts.Next();
            Assert.AreEqual(
                text.Normalize(NormalizationForm.FormC), ComposedText.Of(text)?.Text.ToString() ?? text, JsonSerializer.Serialize(text));
        }
        Assert.AreEqual("\ufffe\u0301\u00e9", ComposedText.Of("\ufffe\u0301e\u0301")!.Text.ToString());
    }

    [TestMethod]
    public void HostileTextsAreEncodedInTime()
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var marks = "e" + string.Concat(Enumerable.Repeat("\u0301\u0323", 500_000));
        foreach (var text in (string[])[marks, new string(' ', 1_000_000), new string('[', 1_000_000), "\ufffe" + marks])
        {
            Assert.AreEqual(text.Length, s_tokenizer.Encode(text)[^1].End);
            Assert.IsLessThan(TimeSpan.FromSeconds(120), watch.Elapsed); // a quadratic pass would take hours
        }
    }

    [TestMethod]
    [DataRow("lstrip")]
    [DataRow("rstrip")]
    [DataRow("single_word")]
    public void AnAddedTokenThatIsMatchedOtherwiseIsRefused(string flag)
    {
        var json = Json();
        json["added_tokens"]!.AsArray().First(added => (string?)added!["content"] == "[unused0]")![flag] = true;
        var e = Assert.ThrowsExactly<InvalidDataException>(() => Open(json));
        Assert.Contains($"{flag} of its added token '[unused0]' is true", e.Message);
    }

    [TestMethod]
    public void AddedTokensOfTheConfigurationMustBeThoseOfTheTokenizer()
    {
        Assert.AreEqual(s_tokenizer.Describe().Hash, Open(Json(), """
            {"tokenizer_class": "PreTrainedTokenizerFast", "added_tokens_decoder": {"1": {"content": "<|padding|>", "special": true}}}
            """).Describe().Hash);
        var e = Assert.ThrowsExactly<InvalidDataException>(() => Open(Json(), """{"additional_special_tokens": ["[E1]"]}"""));
        Assert.Contains("adds the special token '[E1]'", e.Message);
    }

    private static JsonObject Json() => JsonNode.Parse(s_reference.GetProperty("tokenizer").GetRawText())!.AsObject();

    private static Tokenizer Open(JsonObject json, string config = """{"tokenizer_class": "PreTrainedTokenizerFast"}""")
    {
        using var folder = new Folder();
        File.WriteAllText(folder.File("tokenizer.json"), json.ToJsonString());
        File.WriteAllText(folder.File("tokenizer_config.json"), config);
        return TokenizerFiles.Open(folder.Path);
    }
}
