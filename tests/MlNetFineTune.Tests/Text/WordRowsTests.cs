using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Tokenizers;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Text;

/// <summary>Words as tokens, windows of long rows, and the vectors of words.</summary>
[TestClass]
public sealed class WordRowsTests
{
    private static Tokenizer Tokenizer => SmallTexts.Backbone.Tokenizer!;

    [TestMethod]
    public void EachWordHasItsFirstToken()
    {
        // "films" is film + ##s; "film." is two tokens; the third word has none, the fourth is unknown.
        string[] words = ["films", "film.", "\u200b\u0001", "x\u00e9", "good", ""];
        var row = Encode(words, out _);
        var parts = WordRows.Read(row);
        int[] expected = [Id("film"), Id("##s"), Id("film"), Id("."), Id("[UNK]"), Id("[UNK]"), Id("good"), Id("[UNK]")];
        CollectionAssert.AreEqual(expected, parts.Tokens.ToArray());
        CollectionAssert.AreEqual(new[] { 0, 2, 4, 5, 6, 7 }, parts.FirstTokens.ToArray());
        CollectionAssert.AreEqual(words.Select(word => word.Length).ToArray(), parts.Lengths.ToArray());
    }

    [TestMethod]
    public void TokensAreThoseOfEachWordByItself()
    {
        var random = new CountedRandom(3, RandomStream.Shuffle, epoch: 0, ordinal: 0);
        var (pieces, tokenizer) = (new List<TextPiece>(), Tokenizer);
        for (var row = 0; row < 300; row++)
        {
            var words = Enumerable.Range(0, 1 + random.NextInt(8)).Select(_ => RandomWord(random)).ToArray();
            var parts = WordRows.Read(Encode(words, out _));
            for (var word = 0; word < words.Length; word++)
            {
                pieces.Clear();
                tokenizer.Encode(words[word], pieces);
                var end = word + 1 < words.Length ? parts.FirstTokens[word + 1] : parts.Tokens.Length;
                int[] expected = pieces.Count == 0 ? [Id("[UNK]")] : [.. pieces.Select(piece => piece.Id)];
                CollectionAssert.AreEqual(expected, parts.Tokens[parts.FirstTokens[word]..end].ToArray(), string.Join('|', words));
            }
        }
    }

    [TestMethod]
    public void BytePairsOfAWordIncludeTheBlankBeforeIt()
    {
        var tokenizer = SmallTokenizers.BytePairs();
        var blank = tokenizer.Encode(" ").Single().Id;
        string[] words = ["The", "low", "lower", "'s", "newest", "é", "(x)", "😀"];
        var rows = new WordRows(tokenizer, 64, 32);
        var row = new byte[rows.Length];
        Assert.IsNull(rows.Encode(words, row));
        var parts = WordRows.Read(row);
        for (var word = 0; word < words.Length; word++)
        {
            var end = word + 1 < words.Length ? parts.FirstTokens[word + 1] : parts.Tokens.Length;
            while (word + 1 < words.Length && parts.Tokens[end - 1] == blank)
                end--;
            var pieces = word == 0 ? tokenizer.Encode(words[0]) : tokenizer.Encode(" " + words[word]).Where(piece => piece.End > 1);
            int[] expected = [.. pieces.Select(piece => piece.Id)]; // a blank alone is no word's
            CollectionAssert.AreEqual(expected, parts.Tokens[parts.FirstTokens[word]..end].ToArray(), words[word]);
        }
    }

    [TestMethod]
    public void RowsThatDoNotFitAreRefusedByName()
    {
        Assert.Contains("33 words", Refusal([.. Enumerable.Repeat("good", 33)])!);
        Assert.Contains("128", Refusal([new string('.', 200)])!);
        Assert.Contains("maximumWords", Refusal([new string('.', 1_000_000)])!);
        Assert.IsNull(Refusal([new string('x', 1_000_000)])); // one unknown word
        Assert.IsNull(Refusal([]));

        static string? Refusal(string[] words)
        {
            var rows = new WordRows(Tokenizer, 24, 32);
            return rows.Encode(words, new byte[rows.Length]);
        }
    }

    [TestMethod]
    [DataRow(1, 10)]
    [DataRow(25, 10)]
    [DataRow(1000, 62)]
    [DataRow(97, 6)]
    public void WindowsCoverEveryTokenAndOverlap(int tokens, int room)
    {
        int[] firsts = [.. Enumerable.Range(0, tokens).Where(token => token % 3 == 0)];
        var windows = TokenWindows.Of(tokens, room, firsts);
        Assert.AreEqual(0, windows[0].Start);
        Assert.AreEqual(tokens, windows[^1].End);
        Assert.IsTrue(windows.All(window => window.End - window.Start <= room && window.Start % 3 == 0));
        foreach (var (one, next) in windows.Zip(windows.Skip(1)))
        {
            Assert.IsGreaterThan(one.Start, next.Start);
            Assert.IsLessThanOrEqualTo(one.End - room / 4, next.Start);
        }
    }

    [TestMethod]
    public void AWordInSeveralWindowsHasTheMeanOfItsVectors()
    {
        string[] words = [.. Enumerable.Range(0, 17).Select(i => SmallTexts.Vocabulary[5 + i % 9])];
        var rows = new WordRows(Tokenizer, 10, 32);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var encoder = SmallTexts.Backbone.CreateEncoder(seed: 1);
        using var collator = Collator(rows);
        var inputs = Collate(collator, rows, words, ["good", "bad"]);
        var actual = Vectors(encoder, inputs); // [2, 17, C]
        CollectionAssert.AreEqual(new long[] { 2, 17, 16 }, actual.shape);

        // A naive twin: each window by itself.
        var expected = Enumerable.Range(0, 17).Select(_ => new List<double[]>()).ToArray();
        foreach (var (start, end) in TokenWindows.Of(17, rows.Room, [.. Enumerable.Range(0, 17)]))
        {
            var alone = Vectors(encoder, Collate(collator, rows, words[start..end]));
            for (var word = start; word < end; word++)
                expected[word].Add(alone[0][word - start].Values());
        }
        Assert.IsTrue(expected.Any(vectors => vectors.Count > 1) && expected.All(vectors => vectors.Count > 0));
        for (var word = 0; word < 17; word++)
        {
            double[] mean = [.. Enumerable.Range(0, 16).Select(i => expected[word].Average(vector => vector[i]))];
            Fixture.AreClose(mean, actual[0][word].Values(), 1e-5, $"word {word}");
        }
        var second = Vectors(encoder, Collate(collator, rows, ["good", "bad"]));
        Fixture.AreClose(second.Values(), actual[1][..2].Values(), 1e-5, "the short row");
    }

    [TestMethod]
    public void DropoutOfARowInSeveralWindowsDoesNotDependOnTheOtherRows()
    {
        var rows = new WordRows(Tokenizer, 10, 32);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var encoder = TextBackbone.FromFolder(SmallTexts.CreateFolder("bert", dropout: 0.3)).CreateEncoder(seed: 1);
        using var collator = Collator(rows);
        string[][] all = [[.. Enumerable.Repeat("film", 17)], ["good", "bad"], [.. Enumerable.Repeat("book", 12)]];
        int[] numbers = [8, 3, 5];
        var together = Collate(collator, rows, all).With(new TrainingRows(numbers));
        CollectionAssert.AreEqual(new[] { 3, 1, 2 }, together.Windows);
        var expected = Vectors(encoder, together, drops: true); // [3, 17, C]
        foreach (var (place, words) in all.Index())
        {
            var alone = Vectors(encoder, Collate(collator, rows, words).With(new TrainingRows([numbers[place]])), drops: true);
            Fixture.AreClose(expected[place].narrow(0, 0, words.Length).Values(), alone[0].Values(), 1e-5, $"row {place}");
        }
        var plain = Vectors(encoder, together);
        Assert.IsFalse(plain.Values().SequenceEqual(expected.Values()), "something is dropped");
    }

    private static Tensor Vectors(TextEncoder encoder, ModelInputs inputs, bool drops = false)
    {
        var current = inputs.Activations;
        for (var stage = 0; stage < encoder.Stages.Count; stage++)
        {
            var dropout = drops ? new RowDropout(1, RandomStream.TextDropout, stage, step: 0, inputs.TrainingRows, rank: 0) : null;
            current = encoder.Forward(current, inputs, stage, dropout);
        }
        return current;
    }

    private static WordCollator Collator(WordRows rows) =>
        new(rows, Tokenizer.Specials.Start, Tokenizer.Specials.End, Tokenizer.Specials.Padding, CPU);

    private static ModelInputs Collate(WordCollator collator, WordRows rows, params string[][] all)
    {
        var bytes = new byte[rows.Length * all.Length];
        for (var i = 0; i < all.Length; i++)
            Assert.IsNull(rows.Encode(all[i], bytes.AsSpan(i * rows.Length, rows.Length)));
        return collator.Collate(bytes, all.Length);
    }

    private static byte[] Encode(string[] words, out WordRows rows)
    {
        rows = new WordRows(Tokenizer, 24, 32);
        var row = new byte[rows.Length];
        Assert.IsNull(rows.Encode(words, row));
        return row;
    }

    private static string RandomWord(CountedRandom random)
    {
        string[] parts = ["good", "film", "s", ".", "é", "\u200b", "\u0301", "漢", "😀", "!", "x", "\u00ad", "IS", "\ud83d", "Σ"];
        return string.Concat(Enumerable.Range(0, random.NextInt(4)).Select(_ => parts[random.NextInt(parts.Length)]));
    }

    private static int Id(string token) => SmallTexts.Vocabulary.Index().Single(one => one.Item == token).Index;
}
