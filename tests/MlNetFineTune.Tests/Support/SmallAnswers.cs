using Microsoft.ML;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Tests.Support;

/// <summary>
/// Questions about sentences of <see cref="SmallTexts"/>'s words: "good" asks for the good word of the context, "bad" for the bad one, with
/// "very" or "not" before it. A third of the contexts have none.
/// </summary>
internal static class SmallAnswers
{
    private static readonly string[] s_good = ["good", "fine", "great"];
    private static readonly string[] s_bad = ["bad", "poor", "awful"];
    private static readonly string[] s_other = ["the", "a", "film", "book", "is", "was", "."];

    /// <summary>Options of <see cref="SmallTexts"/> for answers.</summary>
    public static TextFineTuningOptions Options => SmallTexts.Options with
    {
        TextColumnName = nameof(QuestionRow.Question),
        SecondTextColumnName = nameof(QuestionRow.Context),
        LabelColumnName = nameof(QuestionRow.Answer),
        Task = LearningTask.QuestionAnswering(maximumAnswerTokens: 3),
        Epochs = 15,
        LearningRate = 1e-2f,
    };

    public static QuestionRow[] Take(int count, int seed = 1) => [.. Enumerable.Range(0, count).Select(row => Row(row, seed))];

    /// <summary>A row with a long context, whose answer is in the middle.</summary>
    public static QuestionRow Long(int words, int seed = 1, bool hasAnswer = true)
    {
        var random = new CountedRandom(seed, RandomStream.Shuffle, epoch: 8, ordinal: 0);
        string[] Others() => [.. Enumerable.Range(0, words / 2).Select(_ => s_other[random.NextInt(s_other.Length)])];
        var (before, after) = (string.Join(' ', Others()) + " ", " " + string.Join(' ', Others()));
        return Row("good", before, hasAnswer ? "great" : "", after);
    }

    public static IDataView View(MLContext ml, IEnumerable<QuestionRow> rows) => ml.Data.LoadFromEnumerable(rows);

    private static QuestionRow Row(int row, int seed)
    {
        var random = new CountedRandom(seed, RandomStream.Shuffle, epoch: 9, row);
        var asksGood = random.NextInt(2) == 0;
        var (before, after) = (Filling(random.NextInt(4)), Filling(1 + random.NextInt(4)));
        var other = random.NextInt(2) == 0 ? Entity(!asksGood) : "";
        var answer = random.NextInt(3) == 0 ? "" : Entity(asksGood);
        var isFirst = random.NextInt(2) == 0;
        return isFirst
            ? Row(asksGood ? "good" : "bad", before, answer, $" {other} {after}")
            : Row(asksGood ? "good" : "bad", $"{other} {before}", answer, " " + after);

        string Filling(int count) =>
            string.Concat(Enumerable.Range(0, count).Select(_ => s_other[random.NextInt(s_other.Length)] + " "));

        string Entity(bool isGood) => (random.NextInt(2) == 0 ? isGood ? "very " : "not " : "")
            + (isGood ? s_good : s_bad)[random.NextInt(3)];
    }

    private static QuestionRow Row(string question, string before, string answer, string after) => new()
    {
        Question = question,
        Context = before + answer + after,
        Answer = answer,
        Span = answer.Length == 0 ? [] : [before.Length, before.Length + answer.Length],
    };
}

/// <summary>A question about a context.</summary>
internal sealed class QuestionRow
{
    public string Question { get; set; } = "";

    public string Context { get; set; } = "";

    /// <summary>The answer; empty for none.</summary>
    public string Answer { get; set; } = "";

    /// <summary>Its characters in the context; empty for none.</summary>
    public int[] Span { get; set; } = [];

    public float Weight { get; set; } = 1;
}
