using System.Text.Json;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Tokenizers;

namespace MlNetFineTune.Tests.Tokenizers;

/// <summary>What every tokenizer must do.</summary>
internal static class TokenizerChecks
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Starts and ends do not fall, are in the text, and are not inside a surrogate pair.</summary>
    public static void RangesAscend(string text, IReadOnlyList<TextPiece> pieces)
    {
        var before = new TextPiece(0, 0, 0);
        foreach (var piece in pieces)
        {
            var isOrdered = before.Start <= piece.Start && before.End <= piece.End && piece.Start < piece.End && piece.End <= text.Length;
            if (!isOrdered || SplitsPair(text, piece.Start) || SplitsPair(text, piece.End))
                Assert.Fail($"{piece} follows {before} in {JsonSerializer.Serialize(text)}.");
            before = piece;
        }
    }

    /// <summary>From its JSON and its vocabulary.</summary>
    public static void IsCreatedAgain(Tokenizer tokenizer, RandomTexts texts)
    {
        var description = tokenizer.Describe();
        var json = JsonSerializer.Serialize(description, s_json);
        var read = JsonSerializer.Deserialize<TokenizerManifest>(json, s_json)!;
        var created = read.Create(description.Vocabulary);

        Assert.IsLessThan(1000, json.Length); // the vocabulary is not in it
        Assert.AreEqual(description, read);
        Assert.AreEqual(description.Hash, read.Hash);
        Assert.AreEqual(description.Hash, created.Describe().Hash);
        Assert.AreEqual(tokenizer.Name, created.Name);
        Assert.AreEqual(tokenizer.VocabularySize, created.VocabularySize);
        Assert.AreEqual(tokenizer.Specials, created.Specials);
        Assert.AreEqual(tokenizer.PairSeparators, created.PairSeparators);
        var all = Enumerable.Range(0, 1000).Select(_ => texts.Next()).ToList();
        Assert.AreEqual(RandomTexts.HashOf(all.Select(tokenizer.Encode)), RandomTexts.HashOf(all.Select(created.Encode)));

        var damaged = (byte[])description.Vocabulary.Clone();
        damaged[^2]++;
        var e = Assert.ThrowsExactly<InvalidDataException>(() => read.Create(damaged));
        Assert.Contains("SHA-256", e.Message);
    }

    private static bool SplitsPair(string text, int at) =>
        at > 0 && at < text.Length && char.IsHighSurrogate(text[at - 1]) && char.IsLowSurrogate(text[at]);
}
