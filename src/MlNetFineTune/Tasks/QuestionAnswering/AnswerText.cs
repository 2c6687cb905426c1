using System.Text;
using System.Text.RegularExpressions;

namespace MlNetFineTune.Tasks;

/// <summary>
/// Comparison of answers by the rules of SQuAD's official script (Rajpurkar et al. 2018, https://arxiv.org/abs/1806.03822): in lower case,
/// without ASCII punctuation, without the words a, an and the, and with single blanks. F1 is that of the words of both, by multiplicity;
/// if one has no words, it is 1 if both have none, otherwise 0.
/// </summary>
internal static partial class AnswerText
{
    /// <summary>The text as it is compared.</summary>
    public static string Normalize(string text)
    {
        var letters = new StringBuilder(text.Length);
        foreach (var letter in text.ToLowerInvariant())
        {
            if (!(char.IsAscii(letter) && (char.IsPunctuation(letter) || char.IsSymbol(letter))))
                letters.Append(letter);
        }
        return string.Join(' ', WordsOf(Articles().Replace(letters.ToString(), " ")));
    }

    /// <summary>Exact match, and F1, of a predicted answer.</summary>
    /// <param name="predicted">The predicted answer; empty for none.</param>
    /// <param name="answers">Acceptable answers, of which the best counts; none or empty ones if there is no answer.</param>
    public static (double ExactMatch, double F1) Compare(string predicted, IEnumerable<string> answers)
    {
        var normalized = Normalize(predicted);
        string[] accepted = [.. answers.Select(Normalize).Where(answer => answer.Length > 0)];
        if (accepted.Length == 0)
            accepted = [""];
        return (accepted.Contains(normalized, StringComparer.Ordinal) ? 1 : 0, accepted.Max(answer => F1Of(normalized, answer)));
    }

    private static double F1Of(string predicted, string answer)
    {
        string[] one = WordsOf(predicted), other = WordsOf(answer);
        if (one.Length == 0 || other.Length == 0)
            return one.Length == other.Length ? 1 : 0;
        var counts = other.CountBy(word => word).ToDictionary(StringComparer.Ordinal);
        var common = 0;
        foreach (var word in one)
        {
            if (!counts.TryGetValue(word, out var count) || count == 0)
                continue;
            counts[word] = count - 1;
            common++;
        }
        return 2.0 * common / (one.Length + other.Length);
    }

    // Python's split() also parts words at the information separators.
    private static string[] WordsOf(string text) =>
        Blanks().Split(text).Where(word => word.Length > 0).ToArray();

    // Python's \b, for which marks are no part of a word and all numbers are.
    [GeneratedRegex(@"(?<![\p{L}\p{N}_])(a|an|the)(?![\p{L}\p{N}_])", RegexOptions.CultureInvariant)]
    private static partial Regex Articles();

    [GeneratedRegex(@"[\s\u001c-\u001f]+", RegexOptions.CultureInvariant)]
    private static partial Regex Blanks();
}
