using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Tokenizers;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Text;

/// <summary>Questions and contexts as windows of tokens.</summary>
[TestClass]
public sealed class AnswerRowsTests
{
    private static readonly Tokenizer s_tokenizer = SmallTexts.Backbone.Tokenizer!;

    [TestMethod]
    public void WindowsHoldTheQuestionAndTheirPartOfTheContext()
    {
        using var scope = NewDisposeScope();
        var rows = new AnswerRows(s_tokenizer, maximumLength: 12, maximumContext: 64, maximumAnswer: 3);
        var contexts = new[] { "the film is good . the book was bad . a very fine film", "a book" };
        var samples = new byte[2 * rows.Length];
        Assert.IsNull(rows.Encode("good film", contexts[0], samples));
        Assert.IsNull(rows.Encode("bad", contexts[1], samples.AsSpan(rows.Length)));
        var specials = s_tokenizer.Specials;
        using var collator = new AnswerCollator(
            rows, specials.Start, specials.End, separators: 1, specials.Padding, hasSegments: true, CPU);
        var inputs = collator.Collate(samples, 2);

        var ids = Ids(inputs.Activations);
        var segments = Ids(inputs.Beside[TextInputNames.Segments]);
        var (windows, tokens) = ((int)inputs.Activations.shape[0], (int)inputs.Activations.shape[1]);
        // 14 tokens in windows of 12 - 3 special tokens - 2 of the question, which have 3 in common.
        Assert.AreEqual(12, tokens);
        Assert.AreEqual(4, windows);
        var bounds = rows.WindowsOf(samples);
        CollectionAssert.AreEqual(new[] { (0, 7), (4, 11), (7, 14) }, bounds.ToArray());
        var words = contexts[0].Split(' ');
        for (var window = 0; window < 3; window++)
        {
            string[] expected =
                ["[CLS]", "good", "film", "[SEP]", .. words[bounds[window].Start..bounds[window].End], "[SEP]"];
            CollectionAssert.AreEqual(expected, ids[window].Select(id => s_tokenizer.TokenOf((int)id)).ToArray());
            CollectionAssert.AreEqual(new long[] { 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1 }, segments[window]);
        }
        CollectionAssert.AreEqual(
            new[] { "[CLS]", "bad", "[SEP]", "a", "book", "[SEP]", "[PAD]", "[PAD]", "[PAD]", "[PAD]", "[PAD]", "[PAD]" },
            ids[3].Select(id => s_tokenizer.TokenOf((int)id)).ToArray());
        CollectionAssert.AreEqual(
            Enumerable.Range(0, 12).Select(i => i < 6).ToArray(), inputs.Beside[TextInputNames.Mask][3].data<bool>().ToArray());

        // Each place is the token of the characters that are said beside it.
        var (places, offsets) = (inputs.Beside[TextInputNames.AnswerPlaces], inputs.Beside[TextInputNames.AnswerOffsets]);
        CollectionAssert.AreEqual(new long[] { 2, 3, 8 }, places.shape);
        var (found, flat) = (0, ids.SelectMany(id => id).ToArray());
        foreach (var ((row, window), slots) in from row in new[] { 0, 1 }
                                               from window in new[] { 0, 1, 2 }
                                               select ((row, window), offsets[row, window].Values()))
        {
            for (var slot = 0; slot < 8; slot++)
            {
                var (start, end) = (slots[2 * slot], slots[2 * slot + 1]);
                var place = places[row, window, slot].item<long>();
                if (double.IsNaN(start))
                    Assert.IsTrue(row == 1 && (window > 0 || slot > 2), "a slot of a window is missing");
                else if (slot == 0)
                    Assert.AreEqual(specials.Start, flat[place]);
                else
                    Assert.AreEqual(s_tokenizer.TokenOf((int)flat[place]), contexts[row][(int)start..(int)end]);
                found += double.IsNaN(start) ? 0 : 1;
            }
        }
        Assert.AreEqual(3 * 8 + 3, found);
        Assert.AreEqual(3 * 12, rows.StepsOf(samples));
    }

    [TestMethod]
    public void QuestionsAndPaddingHaveNoShareOfTheOutputs()
    {
        using var scope = NewDisposeScope();
        var rows = new AnswerRows(s_tokenizer, maximumLength: 16, maximumContext: 64, maximumAnswer: 3);
        var samples = new byte[2 * rows.Length];
        Assert.IsNull(rows.Encode("good film", "the film is good", samples));
        Assert.IsNull(rows.Encode("bad", "a book", samples.AsSpan(rows.Length)));
        using var collator = new AnswerCollator(rows, 2, 3, separators: 1, padding: 0, hasSegments: false, CPU);
        var inputs = collator.Collate(samples, 2);
        var tokens = inputs.Activations.shape[1];
        var logits = arange(2 * tokens * 2, ScalarType.Float32).view(2, tokens, 2);

        var outputs = AnswerLogits.Of(logits, inputs);

        CollectionAssert.AreEqual(new long[] { 2, 1, 5, 4 }, outputs.shape);
        CollectionAssert.AreEqual(new double[] { 0, 8, 10, 12, 14 }, outputs[0, 0].select(1, 0).Values()); // CLS, then 4 to 7
        CollectionAssert.AreEqual(new double[] { 1, 9, 11, 13, 15 }, outputs[0, 0].select(1, 1).Values());
        double[] second = outputs[1, 0].select(1, 0).Values();
        CollectionAssert.AreEqual(new double[] { 2 * tokens, 2 * tokens + 6, 2 * tokens + 8 }, second[..3]);
        Assert.IsTrue(second[3..].All(double.IsNaN), "padding has a logit");
    }

    [TestMethod]
    [DataRow("the film is good", 4, 8, 1, 1)]
    [DataRow("the film is good", 5, 7, 1, 1)] // inside of a token
    [DataRow("the film is good", 6, 10, 1, 2)]
    [DataRow("the film is good", 3, 4, -1, -1)] // a blank
    [DataRow("the films", 4, 8, 1, 1)] // film, ##s
    [DataRow("the films", 8, 9, 2, 2)]
    [DataRow("the films", 4, 9, 1, 2)]
    public void SpansAreWidenedToWholeTokens(string context, int start, int end, int first, int last)
    {
        var rows = new AnswerRows(s_tokenizer, maximumLength: 16, maximumContext: 64, maximumAnswer: 3);
        var sample = new byte[rows.Length];
        Assert.IsNull(rows.Encode("good", context, sample));
        var found = AnswerRows.Read(sample).TokensOf(start, end);
        Assert.AreEqual(first < 0 ? null : (first, last), found);
    }

    [TestMethod]
    public void TokensOfByteLevelVocabulariesHaveNoBlanks()
    {
        var tokenizer = SmallTokenizers.BytePairs();
        var rows = new AnswerRows(tokenizer, maximumLength: 64, maximumContext: 64, maximumAnswer: 3);
        var sample = new byte[rows.Length];
        const string Context = "low lower 😀 newest";
        Assert.IsNull(rows.Encode("new", Context, sample));
        var parts = AnswerRows.Read(sample);
        for (var token = 0; token < parts.Context.Length; token++)
        {
            var text = Context[parts.Starts[token]..parts.Ends[token]];
            Assert.AreEqual(text.Trim(), text);
            Assert.IsFalse(char.IsLowSurrogate(text[0]) || char.IsHighSurrogate(text[^1]), "half a pair");
        }
        Assert.AreEqual(4, rows.SpecialTokens);
    }

    [TestMethod]
    public void WhatDoesNotFitIsSaid()
    {
        var rows = new AnswerRows(s_tokenizer, maximumLength: 12, maximumContext: 20, maximumAnswer: 3);
        var sample = new byte[rows.Length];
        string Many(int count) => string.Join(' ', Enumerable.Repeat("a", count));
        Assert.AreEqual("its question is empty", rows.Encode(" ", "a film", sample));
        StringAssert.StartsWith(rows.Encode("a film", "\u0001 ", sample), "its context is empty");
        Assert.IsNull(rows.Encode(Many(6), "a film", sample));
        StringAssert.Contains(rows.Encode(Many(7), "a film", sample), "its question has 7 tokens, and at most 6");
        Assert.IsNull(rows.Encode("a", Many(20), sample));
        StringAssert.Contains(rows.Encode("a", Many(21), sample), "maximumContextTokens");
        StringAssert.Contains(
            rows.Encode("a", new string(' ', AnswerRows.MostCharacters + 1), sample), "its context has 16,777,217 characters");
    }

    private static long[][] Ids(Tensor tensor) =>
        [.. Enumerable.Range(0, (int)tensor.shape[0]).Select(row => tensor[row].data<long>().ToArray())];
}
