using Microsoft.ML;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Tests.Support;

/// <summary>
/// Sentences of <see cref="SmallTexts"/>'s words with two types of entities: a good word is one of type PRO, a bad one of type CON; "very"
/// before a good word and "not" before a bad one belong to it.
/// </summary>
internal static class SmallWords
{
    private static readonly string[] s_good = ["good", "fine", "great"];
    private static readonly string[] s_bad = ["bad", "poor", "awful"];
    private static readonly string[] s_other = ["the", "a", "film", "book", "is", "was", "."];

    /// <summary>Options of <see cref="SmallTexts"/> for labels of words.</summary>
    public static TextFineTuningOptions Options => SmallTexts.Options with
    {
        TextColumnName = nameof(WordsRow.Words),
        LabelColumnName = nameof(WordsRow.Tags),
        Task = LearningTask.TokenClassification(),
        Epochs = 10,
        LearningRate = 1e-2f,
    };

    public static WordsRow[] Take(int count, int seed = 1) => [.. Enumerable.Range(0, count).Select(row => Row(row, seed, 3, 9))];

    /// <summary>A row of many words.</summary>
    public static WordsRow Long(int words, int seed = 1) => Row(0, seed, words, 0);

    public static IDataView View(MLContext ml, IEnumerable<WordsRow> rows) => ml.Data.LoadFromEnumerable(rows);

    private static WordsRow Row(int row, int seed, int fewest, int more)
    {
        var random = new CountedRandom(seed, RandomStream.Shuffle, epoch: 7, row);
        var (words, tags) = (new List<string>(), new List<string>());
        var count = fewest + (more == 0 ? 0 : random.NextInt(more));
        while (words.Count < count)
        {
            if (random.NextInt(10) >= 4)
            {
                words.Add(s_other[random.NextInt(s_other.Length)]);
                tags.Add("O");
                continue;
            }
            var isGood = random.NextInt(2) == 0;
            var type = isGood ? "PRO" : "CON";
            var isLong = random.NextInt(2) == 0;
            if (isLong)
            {
                words.Add(isGood ? "very" : "not");
                tags.Add("B-" + type);
            }
            words.Add((isGood ? s_good : s_bad)[random.NextInt(3)]);
            tags.Add((isLong ? "I-" : "B-") + type);
        }
        return new WordsRow { Words = [.. words], Tags = [.. tags], Kinds = [.. tags.Select(tag => tag == "O" ? "other" : tag[2..])] };
    }
}

/// <summary>A sentence with labels of its words.</summary>
internal sealed class WordsRow
{
    public string[] Words { get; set; } = [];

    /// <summary>Entities in IOB2.</summary>
    public string[] Tags { get; set; } = [];

    /// <summary>Labels without a scheme.</summary>
    public string[] Kinds { get; set; } = [];

    public float Weight { get; set; } = 1;
}
