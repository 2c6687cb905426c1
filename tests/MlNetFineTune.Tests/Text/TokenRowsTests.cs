using MlNetFineTune.Data;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Text;

/// <summary>Special tokens, truncation and padding.</summary>
[TestClass]
public sealed class TokenRowsTests
{
    private const string Long = "good fine great bad poor awful the a film book"; // 10 tokens

    [TestMethod]
    public void ATextIsBetweenSpecialTokens() =>
        Assert.AreEqual("[CLS] good film ##s . [SEP]", Encode(Rows(), "Good films."));

    [TestMethod]
    public void APairHasASeparatorAndSegments()
    {
        var rows = Rows(isPair: true);
        Assert.AreEqual("[CLS] good film [SEP] | bad book [SEP]", Encode(rows, "good film", "bad book"));
        using var collator = new TokenCollator(rows.Length, padding: 0, hasSegments: true, CPU);
        var samples = new byte[2 * rows.Length];
        rows.Encode("good film", "bad book", samples, out _);
        rows.Encode("good", "", samples.AsSpan(rows.Length), out _);
        using var inputs = collator.Collate(samples, 2);
        CollectionAssert.AreEqual(new double[] { 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0 }, inputs.Beside["token_type_ids"].Values());
        CollectionAssert.AreEqual(new double[] { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0 }, inputs.Beside["attention_mask"].Values());
    }

    [TestMethod]
    public void ABatchWithoutPaddingHasNoMask()
    {
        var rows = Rows();
        using var collator = new TokenCollator(rows.Length, padding: 0, hasSegments: false, CPU);
        var sample = new byte[rows.Length];
        rows.Encode("good", "", sample, out _);
        using var inputs = collator.Collate(sample, 1);
        Assert.IsEmpty(inputs.Beside);
        CollectionAssert.AreEqual(new long[] { 1, 3 }, inputs.Activations.shape);
    }

    [TestMethod]
    [DataRow(TextTruncation.KeepStart, "[CLS] good fine great bad [SEP]")]
    [DataRow(TextTruncation.KeepEnd, "[CLS] the a film book [SEP]")]
    [DataRow(TextTruncation.KeepBoth, "[CLS] good a film book [SEP]")]
    public void LongTextsAreTruncated(TextTruncation truncation, string expected)
    {
        Assert.AreEqual(expected, Encode(Rows(6, truncation), Long, isCut: true));
        Assert.AreEqual("[CLS] good fine great bad [SEP]", Encode(Rows(6, truncation), "good fine great bad"));
    }

    [TestMethod]
    public void OfAPairTheLongerTextIsTruncatedFirst()
    {
        var rows = Rows(8, isPair: true);
        Assert.AreEqual("[CLS] bad [SEP] | good fine great bad [SEP]", Encode(rows, "bad", Long, isCut: true));
        Assert.AreEqual("[CLS] good fine great bad [SEP] | bad [SEP]", Encode(rows, Long, "bad", isCut: true));
        Assert.AreEqual("[CLS] good fine great [SEP] | good fine [SEP]", Encode(rows, Long, Long, isCut: true));
    }

    [TestMethod]
    public void RefusingSaysHowManyTokensThereAre()
    {
        var rows = Rows(6, TextTruncation.Refuse);
        Assert.AreEqual("it has 12 tokens, and at most 6 are allowed", rows.Encode(Long, "", new byte[rows.Length], out _));
        Assert.IsNull(rows.Encode("good", "", new byte[rows.Length], out _));
    }

    [TestMethod]
    public void AnEmptyTextHasSpecialTokensOnly() => Assert.AreEqual("[CLS] [SEP]", Encode(Rows(), " \u200b\0\n"));

    private static TokenRows Rows(int length = 16, TextTruncation truncation = TextTruncation.KeepStart, bool isPair = false) =>
        new(SmallTexts.Backbone.Tokenizer!, length, truncation, isPair);

    private static string Encode(TokenRows rows, string first, string second = "", bool isCut = false)
    {
        var row = new byte[rows.Length];
        Assert.IsNull(rows.Encode(first, second, row, out var cut));
        Assert.AreEqual(isCut, cut);
        var tokens = TokenRows.TokensOf(row).ToArray().Select(id => SmallTexts.Vocabulary[id]).ToList();
        if (TokenRows.SecondStartOf(row) < tokens.Count)
            tokens.Insert(TokenRows.SecondStartOf(row), "|");
        return string.Join(' ', tokens);
    }
}
