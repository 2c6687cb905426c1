using System.Text.Json;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Tokenizers;

namespace MlNetFineTune.Tests.Tokenizers;

/// <summary>The pieces of byte-level BPE and their ranges, against tools/reference/bert_tokenizer_oracle.py.</summary>
[TestClass]
public sealed class BytePairTokenizerTests
{
    [TestMethod]
    [DataRow("bpe", false, 20)]
    [DataRow("bpePrefixed", true, 10)]
    public void RandomTextsHaveTheOraclesPiecesAndRanges(string name, bool addPrefixSpace, int blocks)
    {
        var tokenizer = SmallTokenizers.BytePairs(addPrefixSpace);
        var texts = SmallTokenizers.Texts(seed: 19);
        var expected = SmallTokenizers.Oracle.GetProperty(name).EnumerateArray().Select(hash => hash.GetString()).ToArray();

        var found = expected.Select(_ => RandomTexts.HashOf(
            Enumerable.Range(0, 1000).Select(_ => tokenizer.Encode(texts.Next())).ToList())).ToArray();

        Assert.HasCount(blocks, expected);
        CollectionAssert.AreEqual(expected, found);
    }

    [TestMethod]
    public void NastyTextsHaveTheOraclesPiecesAndRanges()
    {
        var tokenizer = SmallTokenizers.BytePairs();
        foreach (var text in SmallTokenizers.Oracle.GetProperty("nasty").EnumerateArray())
        {
            var expected = text.GetProperty("bpe").EnumerateArray().Select(number => number.GetInt32());
            var found = tokenizer.Encode(text.Text("text")).SelectMany(piece => new[] { piece.Id, piece.Start, piece.End });
            Assert.AreEqual(string.Join(' ', expected), string.Join(' ', found), text.GetRawText());
        }
    }

    [TestMethod]
    public void ThePiecesOfATextAreItsBytes()
    {
        var tokenizer = SmallTokenizers.BytePairs();
        var texts = SmallTokenizers.Texts(seed: 8);
        for (var i = 0; i < 5000; i++)
        {
            var text = texts.Next();
            var pieces = tokenizer.Encode(text);
            var spelled = string.Concat(System.Text.Encoding.UTF8.GetBytes(text).Select(ByteAlphabet.Of));
            Assert.AreEqual(spelled, string.Concat(pieces.Select(piece => tokenizer.TokenOf(piece.Id))), JsonSerializer.Serialize(text));
            TokenizerChecks.RangesAscend(text, pieces);
        }
    }

    [TestMethod]
    public void HalfASurrogatePairIsLeftOut()
    {
        foreach (var prefix in (bool[])[false, true])
        {
            var tokenizer = SmallTokenizers.BytePairs(prefix);
            var expected = tokenizer.Encode("note \ud83d\ude00 book").Select(piece => piece.Id).ToList();
            var found = tokenizer.Encode("note\ude00 \ud83d\ude00 book\ud83d");

            CollectionAssert.AreEqual(expected, found.Select(piece => piece.Id).ToList());
            Assert.AreEqual(13, found[^1].End);
            Assert.IsEmpty(tokenizer.Encode(""));
        }
    }

    [TestMethod]
    public void AMillionLettersAreEncodedInTime()
    {
        var text = new string('e', 500_000) + string.Concat(Enumerable.Repeat("learning", 60_000)) + new string(' ', 500_000);
        var watch = System.Diagnostics.Stopwatch.StartNew();

        var pieces = SmallTokenizers.BytePairs().Encode(text);

        Assert.AreEqual(text.Length, pieces[^1].End);
        Assert.IsLessThan(TimeSpan.FromSeconds(60), watch.Elapsed); // a quadratic pass would take hours
    }

    [TestMethod]
    public void ALongWordIsMergedLikeShortOnes()
    {
        var tokens = SmallTokenizers.BytePairs();
        // A word of 90 letters is merged by a heap, and its parts, between which nothing merges, by a plain search.
        var part = "learning";
        var apart = tokens.Encode(part).Select(piece => piece.Id).ToList();
        var separator = tokens.Encode("\u00fe").Select(piece => piece.Id).ToList();

        var found = tokens.Encode(string.Concat(Enumerable.Repeat(part + "\u00fe", 10))).Select(piece => piece.Id).ToList();

        CollectionAssert.AreEqual(Enumerable.Repeat(apart.Concat(separator), 10).SelectMany(ids => ids).ToList(), found);
    }

    [TestMethod]
    public void ADescriptionCreatesTheSameTokenizer()
    {
        TokenizerChecks.IsCreatedAgain(SmallTokenizers.BytePairs(addPrefixSpace: true), SmallTokenizers.Texts(seed: 5));
        Assert.AreNotEqual(SmallTokenizers.BytePairs().Describe().Hash, SmallTokenizers.BytePairs(addPrefixSpace: true).Describe().Hash);
        Assert.AreEqual(2, SmallTokenizers.BytePairs().PairSeparators);
    }

    [TestMethod]
    [DataRow("\u0120 t h", "expected two tokens")]
    [DataRow("\u0120 zz", "which is no token")]
    [DataRow("", "expected two tokens")]
    public void ABadMergeIsRefused(string merge, string reason)
    {
        using var folder = new Folder();
        SmallTokenizers.CopyBytePairs(folder);
        File.WriteAllText(folder.File("merges.txt"), $"#version: 0.2\n{merge}\na a\n");

        var e = Assert.ThrowsExactly<InvalidDataException>(() => TokenizerFiles.Open(folder.Path));

        Assert.Contains(reason, e.Message);
    }

    [TestMethod]
    public void AVocabularyWithoutAByteIsRefused()
    {
        using var folder = new Folder();
        File.WriteAllText(folder.File("vocab.json"), """{"<s>":0,"<pad>":1,"</s>":2,"<unk>":3,"a":4}""");
        File.WriteAllText(folder.File("merges.txt"), "");

        var e = Assert.ThrowsExactly<InvalidDataException>(() => TokenizerFiles.Open(folder.Path));

        Assert.Contains("merges.txt", e.Message);

        File.WriteAllText(folder.File("merges.txt"), "#version: 0.2\n");
        e = Assert.ThrowsExactly<InvalidDataException>(() => TokenizerFiles.Open(folder.Path));
        Assert.Contains("byte 0", e.Message);
    }
}
