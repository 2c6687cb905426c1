using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>
/// Finds the best answer of each row: among all spans that begin and end in the same window of the context, of at most a number of tokens,
/// the one with the highest sum of the logits of its first and its last token. A span's probability is its share of the sum of exp(sum of
/// logits) over all these spans and "no answer" (the class token as first and last) of its window, so that windows can be compared: the
/// probabilities of all answers that a window can give sum to 1, unlike products of two softmaxes, which also count spans that end before
/// they begin. The context has no answer if no window has one: the lowest probability of "no answer" counts, as in BERT's run_squad.
/// </summary>
internal static class AnswerSearch
{
    /// <summary>Numbers of a row: see <see cref="FoundAnswer"/>.</summary>
    public const int Width = 4;

    // Spans whose logits are lower by more are not added, since exp is slow: together less than 1e-9.
    private const double Negligible = 32;

    /// <param name="outputs">[N, K, S, <see cref="AnswerLogits.Width"/>].</param>
    /// <param name="maximumTokens">Maximum number of tokens in an answer. At least 1.</param>
    /// <returns>[N, <see cref="Width"/>], row by row.</returns>
    public static float[] Of(Tensor outputs, int maximumTokens)
    {
        using var scope = NewDisposeScope();
        var (rows, windows, slots) = ((int)outputs.shape[0], (int)outputs.shape[1], (int)outputs.shape[2]);
        ReadOnlySpan<float> all = outputs.detach().to_type(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
        var found = new float[rows * Width];
        var length = slots * AnswerLogits.Width;
        for (var row = 0; row < rows; row++)
        {
            var best = new FoundAnswer(float.NegativeInfinity, float.PositiveInfinity, 0, 0);
            for (var window = 0; window < windows; window++)
            {
                var ofWindow = all.Slice((row * windows + window) * length, length);
                var tokens = TokensOf(ofWindow);
                if (tokens == 0)
                    break; // the row has fewer windows than others
                var one = InWindow(ofWindow, tokens, maximumTokens);
                best = (one.LogProbability > best.LogProbability || window == 0 ? one : best) with
                {
                    LogNoAnswer = Math.Min(best.LogNoAnswer, one.LogNoAnswer), // NaN stays
                };
            }
            best.Write(found.AsSpan(row * Width, Width));
        }
        return found;
    }

    // Tokens of the context in a window, which are the slots after the class token up to the first without offsets.
    private static int TokensOf(ReadOnlySpan<float> window)
    {
        var slots = window.Length / AnswerLogits.Width;
        var slot = 0;
        while (slot < slots && !float.IsNaN(window[slot * AnswerLogits.Width + 2]))
            slot++;
        return Math.Max(slot - 1, 0);
    }

    private static FoundAnswer InWindow(ReadOnlySpan<float> window, int tokens, int maximumTokens)
    {
        var noAnswer = Sum(window, 0, 0);
        var (best, bestFirst, bestLast) = (double.NegativeInfinity, 1, 1);
        for (var first = 1; first <= tokens; first++)
        {
            for (var last = first; last <= Math.Min(first + maximumTokens - 1, tokens); last++)
            {
                if (Sum(window, first, last) is var sum && sum > best && !IsEmpty(window, first) && !IsEmpty(window, last))
                    (best, bestFirst, bestLast) = (sum, first, last);
            }
        }
        var largest = Math.Max(best, noAnswer); // NaN if any is
        var shares = Math.Exp(noAnswer - largest);
        for (var first = 1; first <= tokens; first++)
        {
            for (var last = first; last <= Math.Min(first + maximumTokens - 1, tokens); last++)
            {
                var difference = Sum(window, first, last) - largest;
                shares += difference < -Negligible || IsEmpty(window, first) || IsEmpty(window, last) ? 0 : Math.Exp(difference);
            }
        }
        var all = Math.Log(shares) + largest;
        return new FoundAnswer(
            (float)(best - all), (float)(noAnswer - all), window[bestFirst * AnswerLogits.Width + 2],
            window[bestLast * AnswerLogits.Width + 3]);
    }

    // A token without characters, such as the blank that byte-level BPE puts before a text, is no answer, nor the end of one.
    private static bool IsEmpty(ReadOnlySpan<float> window, int slot) =>
        window[slot * AnswerLogits.Width + 3] <= window[slot * AnswerLogits.Width + 2];

    private static double Sum(ReadOnlySpan<float> window, int first, int last) =>
        (double)window[first * AnswerLogits.Width] + window[last * AnswerLogits.Width + 1];
}

/// <summary>The best answer of a row.</summary>
/// <param name="LogProbability">Logarithm of its probability in its window.</param>
/// <param name="LogNoAnswer">Logarithm of the lowest probability of "no answer" of a window.</param>
/// <param name="Start">First UTF-16 unit of the answer in the context; NaN if the row could not be scored.</param>
/// <param name="End">The unit after the last.</param>
internal readonly record struct FoundAnswer(float LogProbability, float LogNoAnswer, float Start, float End)
{
    /// <summary>Log-odds of "no answer" against the best answer.</summary>
    public float NoAnswerLogit => LogNoAnswer - LogProbability;

    public bool IsScored => !float.IsNaN(LogProbability) && !float.IsNaN(LogNoAnswer);

    /// <param name="numbers">The numbers of a row, as <see cref="Write"/> writes them.</param>
    public static FoundAnswer Of(ReadOnlySpan<float> numbers) => new(numbers[0], numbers[1], numbers[2], numbers[3]);

    /// <summary>Whether the answer is predicted, rather than none.</summary>
    /// <param name="threshold">Log-odds above which there is no answer.</param>
    public bool IsPredicted(float threshold) => IsScored && !(NoAnswerLogit > threshold);

    /// <summary>The predicted answer; empty for none.</summary>
    public ReadOnlyMemory<char> In(ReadOnlyMemory<char> context, float threshold) =>
        IsPredicted(threshold) ? context[(int)Start..(int)End] : default;

    public void Write(Span<float> numbers) =>
        (numbers[0], numbers[1], numbers[2], numbers[3]) = (LogProbability, LogNoAnswer, Start, End);
}
