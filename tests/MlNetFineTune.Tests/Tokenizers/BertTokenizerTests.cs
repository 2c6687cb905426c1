using System.Globalization;
using System.Text;
using System.Text.Json;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Tokenizers;

namespace MlNetFineTune.Tests.Tokenizers;

/// <summary>BERT's pieces and their ranges, against tools/reference/bert_tokenizer_oracle.py.</summary>
[TestClass]
public sealed class BertTokenizerTests
{
    private const int Block = 1000;

    [TestMethod]
    [DataRow("uncased", 100)]
    [DataRow("cased", 100)]
    [DataRow("lower case with accents", 20)]
    [DataRow("cased without accents", 20)]
    [DataRow("ideographs in words", 20)]
    public void RandomTextsHaveTheOraclesPiecesAndRanges(string form, int blocks)
    {
        var tokenizer = SmallTokenizers.Bert(form);
        var texts = SmallTokenizers.Texts();
        var expected = SmallTokenizers.Oracle.GetProperty("random").GetProperty(form).EnumerateArray()
            .Select(hash => hash.GetString()).ToArray();

        var found = expected.Select(_ => RandomTexts.HashOf(
            Enumerable.Range(0, Block).Select(_ => tokenizer.Encode(texts.Next())).ToList())).ToArray();

        Assert.HasCount(blocks, expected);
        CollectionAssert.AreEqual(expected, found);
    }

    [TestMethod]
    [DataRow("uncased")]
    [DataRow("cased")]
    public void NastyTextsHaveTheOraclesPiecesAndRanges(string form)
    {
        var tokenizer = SmallTokenizers.Bert(form);
        var cases = SmallTokenizers.Oracle.GetProperty("nasty").EnumerateArray().ToList();

        Assert.HasCount(36, cases);
        foreach (var text in cases)
            Assert.AreEqual(Spelled(text.GetProperty(form)), Spelled(tokenizer.Encode(text.Text("text"))), text.GetRawText());
    }

    [TestMethod]
    public void RealTextsHaveTheOraclesPiecesAndRanges()
    {
        var file = SharedData.RequireOrSkip("weights/all-MiniLM-L6-v2/vocab.txt");
        var tokens = TokenList.Parse(File.ReadAllBytes(file), "'vocab.txt'");
        var cases = SmallTokenizers.Oracle.GetProperty("real").EnumerateArray().ToList();

        Assert.HasCount(8, cases);
        foreach (var one in cases)
        {
            var tokenizer = SmallTokenizers.Bert(one.Text("form"), tokens);
            var texts = SmallTokenizers.Lines(SharedData.RequireOrSkip($"data/text/{one.Text("file")}")).Select(tokenizer.Encode).ToList();
            Assert.HasCount((int)one.Number("texts"), texts, one.GetRawText());
            Assert.AreEqual((int)one.Number("pieces"), texts.Sum(pieces => pieces.Count), one.GetRawText());
            Assert.AreEqual(one.Text("hash"), RandomTexts.HashOf(texts), one.GetRawText());
        }
    }

    [TestMethod]
    [DataRow("uncased")]
    [DataRow("cased")]
    public void TheRangeOfAWordGivesItsPieces(string form)
    {
        var tokenizer = SmallTokenizers.Bert(form);
        var texts = SmallTokenizers.Texts(seed: 7);
        var checkedWords = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var text = texts.Next();
            var pieces = tokenizer.Encode(text);
            TokenizerChecks.RangesAscend(text, pieces);
            for (var first = 0; first < pieces.Count;)
            {
                var end = first + 1;
                while (end < pieces.Count && tokenizer.TokenOf(pieces[end].Id).StartsWith("##", StringComparison.Ordinal))
                    end++;
                var (from, to) = (pieces[first].Start, pieces[end - 1].End);
                var word = text[from..to];
                if (!word.Contains('\u03a3', StringComparison.Ordinal)) // its lower case depends on what is beside the word
                {
                    var expected = pieces[first..end].Select(piece => new TextPiece(piece.Id, piece.Start - from, piece.End - from));
                    Assert.AreEqual(Spelled(expected), Spelled(tokenizer.Encode(word)), JsonSerializer.Serialize(text));
                    checkedWords++;
                }
                first = end;
            }
        }
        Assert.IsGreaterThan(100_000, checkedWords);
    }

    [TestMethod]
    public void HalfASurrogatePairIsLeftOut()
    {
        var tokenizer = SmallTokenizers.Bert();

        Assert.AreEqual(Spelled(tokenizer.Encode("note book").Select(piece => piece with { Start = piece.Start + 1, End = piece.End + 1 })),
            Spelled(tokenizer.Encode("\ude00note book\ud83d")));
        Assert.AreEqual("a", tokenizer.Spell("\ud83da\ud83d\ud83d"));
        Assert.IsEmpty(tokenizer.Encode("\ud83d \ude00"));
    }

    [TestMethod]
    public void TheNameOfASpecialTokenStaysText()
    {
        var tokenizer = SmallTokenizers.Bert();

        var found = tokenizer.Encode("[SEP] [MASK]").Select(piece => piece.Id).ToList();

        Assert.DoesNotContain(tokenizer.Specials.End, found);
        Assert.DoesNotContain(tokenizer.Specials.Mask!.Value, found);
        Assert.StartsWith("[ s ", tokenizer.Spell("[SEP]"));
    }

    [TestMethod]
    public void AnAccentBelongsToTheCharacterBeforeIt()
    {
        var tokenizer = SmallTokenizers.Bert();

        Assert.AreEqual("[0,2) [3,5)", Ranges(tokenizer.Encode("e\u0301 =\u0338")));
        Assert.AreEqual("[0,4)", Ranges(tokenizer.Encode("e\u200b\u0301\u0300\u200b")));
    }

    [TestMethod]
    [DataRow("a", 1)]
    [DataRow("\u00e9", 1)]
    [DataRow("\u0301", 0)]
    [DataRow("\u200b", 0)]
    [DataRow("\u03a3", 1)]
    [DataRow("\u302e", 1)]
    [DataRow("\ud83d", 0)]
    [DataRow(" ", 0)]
    [DataRow("a ", 5_000_000)]
    [DataRow("!", 10_000_000)]
    public void TenMillionCharactersAreEncodedInTime(string unit, int expected)
    {
        var text = new StringBuilder().Insert(0, unit, 10_000_000 / unit.Length).ToString();
        var watch = System.Diagnostics.Stopwatch.StartNew();

        var pieces = SmallTokenizers.Bert().Encode(text);

        Assert.HasCount(expected, pieces);
        Assert.IsLessThan(TimeSpan.FromSeconds(60), watch.Elapsed); // a quadratic pass would take days
        if (expected == 1)
            Assert.AreEqual(new TextPiece(SmallTokenizers.Bert().Specials.Unknown, 0, 10_000_000), pieces[0]);
    }

    [TestMethod]
    public void WordsAreUnknownBeyondTheMaximumLength()
    {
        var tokenizer = new BertTokenizer(SmallTokenizers.Tokens, new BertOptions { MaximumWordLength = 3 });

        Assert.AreEqual("a ##a ##a [UNK] e ##ee [UNK]", tokenizer.Spell("aaa aaaa \u00e9\u00e9\u00e9 \u00e9\u00e9\u00e9\u00e9"));
    }

    [TestMethod]
    public void ManyThreadsEncodeAlike()
    {
        var tokenizer = SmallTokenizers.Bert("ideographs in words");
        var texts = SmallTokenizers.Texts(seed: 3);
        var all = Enumerable.Range(0, 2000).Select(_ => texts.Next()).ToList();
        var expected = RandomTexts.HashOf(all.Select(tokenizer.Encode));

        Parallel.For(0, 8, _ => Assert.AreEqual(expected, RandomTexts.HashOf(all.Select(tokenizer.Encode))));
    }

    [TestMethod]
    public void TheCultureChangesNothing()
    {
        Culture.Each(name => Assert.AreEqual("i i ##i", SmallTokenizers.Bert().Spell("I \u0130I"), name));
    }

    [TestMethod]
    public void WithoutNormalizationAccentsCannotBeStripped()
    {
        Assert.IsTrue(BertCharacters.CanDecompose(text => text.Normalize(NormalizationForm.FormD)));
        Assert.IsFalse(BertCharacters.CanDecompose(text => text)); // invariant-globalization mode
        Assert.IsFalse(BertCharacters.CanDecompose(_ => throw new PlatformNotSupportedException()));
    }

    [TestMethod]
    public void ThePiecesAreAppended()
    {
        var pieces = new List<TextPiece> { new(1, 2, 3) };

        SmallTokenizers.Bert().Encode("\u00ff\u0153 a", pieces);

        Assert.AreEqual(new TextPiece(1, 2, 3), pieces[0]);
        Assert.HasCount(3, pieces);
    }

    [TestMethod]
    public void ADescriptionCreatesTheSameTokenizer()
    {
        var tokenizer = new BertTokenizer(SmallTokenizers.Tokens, new BertOptions
        {
            LowerCase = false,
            StripAccents = true,
            SeparateIdeographs = false,
            MaximumWordLength = 20,
            PairSeparators = 2,
        });

        TokenizerChecks.IsCreatedAgain(tokenizer, SmallTokenizers.Texts(seed: 4));
    }

    [TestMethod]
    public void EachOptionChangesTheHash()
    {
        BertOptions[] options =
        [
            new(), new() { LowerCase = false }, new() { StripAccents = false }, new() { SeparateIdeographs = false },
            new() { MaximumWordLength = 99 }, new() { ContinuationPrefix = "#" }, new() { PairSeparators = 2 },
            new() { Specials = SpecialNames.Bert with { Mask = "[UNK]" } },
        ];

        var hashes = options.Select(one => new BertTokenizer(SmallTokenizers.Tokens, one).Describe().Hash).ToList();
        var other = new BertTokenizer(new TokenList([.. SmallTokenizers.Tokens.All, "other"], "'more'"), new BertOptions());

        Assert.HasCount(options.Length + 1, hashes.Append(other.Describe().Hash).ToHashSet());
        Assert.AreEqual(hashes[0], SmallTokenizers.Bert().Describe().Hash);
        Assert.AreEqual(hashes[0], new BertTokenizer(SmallTokenizers.Tokens, new() { StripAccents = true }).Describe().Hash);
    }

    [TestMethod]
    public void TheDefaultsAreBerts()
    {
        var defaults = new BertOptions();

        Assert.IsTrue(defaults.LowerCase);
        Assert.IsNull(defaults.StripAccents);
        Assert.IsTrue(defaults.SeparateIdeographs);
        Assert.AreEqual(100, defaults.MaximumWordLength);
        Assert.AreEqual("##", defaults.ContinuationPrefix);
        Assert.AreEqual(SpecialNames.Bert, defaults.Specials);
        Assert.AreEqual(1, defaults.PairSeparators);
    }

    private static string Ranges(IEnumerable<TextPiece> pieces) =>
        string.Join(' ', pieces.Select(piece => string.Create(CultureInfo.InvariantCulture, $"[{piece.Start},{piece.End})")));

    private static string Spelled(IEnumerable<TextPiece> pieces) =>
        string.Join(' ', pieces.SelectMany(piece => new[] { piece.Id, piece.Start, piece.End }));

    private static string Spelled(JsonElement numbers) => string.Join(' ', numbers.EnumerateArray().Select(number => number.GetInt32()));
}
