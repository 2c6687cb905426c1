using MlNetFineTune.Data;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Scoring;

/// <summary>
/// Groups the rows of a batch by the lengths of their sequences, so that little of a forward pass is padding. Scores change only by
/// rounding.
/// </summary>
internal sealed class LengthGroups
{
    // A group is large enough to use the processor and small enough for its caches.
    private const int MostRows = 32, MostSteps = 4096;

    private readonly int[] _order; // row indices by ascending length
    private readonly int[] _ends; // end of each group in the order
    private readonly int _stride;

    private LengthGroups(int[] order, int[] ends, int stride) => (_order, _ends, _stride) = (order, ends, stride);

    public delegate void Scorer(ReadOnlySpan<byte> rows, int count, Span<float> scores);

    /// <param name="collator">Collator of the network, which knows the lengths.</param>
    /// <param name="rows">[count, bytes of a row].</param>
    /// <param name="count">Number of rows.</param>
    /// <returns>Null if the rows are scored together.</returns>
    public static LengthGroups? Of(Collator collator, ReadOnlySpan<byte> rows, int count)
    {
        if (count < 2 || collator.StepsOf(rows) is null)
            return null;
        var stride = rows.Length / count;
        var steps = new int[count];
        for (var row = 0; row < count; row++)
            steps[row] = collator.StepsOf(rows[(row * stride)..])!.Value;
        return Of(steps, stride);
    }

    /// <param name="steps">Number of steps of each row.</param>
    /// <param name="stride">Bytes of a row.</param>
    /// <returns>Null if the rows are scored together.</returns>
    public static LengthGroups? Of(int[] steps, int stride)
    {
        var count = steps.Length;
        int[] order = [.. Enumerable.Range(0, count).OrderBy(row => steps[row])];
        var ends = new List<int>();
        var first = 0;
        for (var end = 1; end <= count; end++)
        {
            var isFull = end < count && (end - first == MostRows || (end + 1L - first) * steps[order[end]] > MostSteps);
            if (end == count || isFull)
            {
                ends.Add(end);
                first = end;
            }
        }
        return ends.Count > 1 ? new LengthGroups(order, [.. ends], stride) : null;
    }

    /// <param name="rows">[count, bytes of a row].</param>
    /// <param name="scores">[count, <paramref name="length"/>].</param>
    /// <param name="length">Number of scores of a row.</param>
    /// <param name="score">Scores the rows of one group.</param>
    public void Score(ReadOnlySpan<byte> rows, Span<float> scores, int length, Scorer score)
    {
        using var gathered = new ScratchBuffer<byte>(MostRows * _stride);
        using var results = new ScratchBuffer<float>(MostRows * length);
        var first = 0;
        foreach (var end in _ends)
        {
            var count = end - first;
            for (var i = 0; i < count; i++)
                rows.Slice(_order[first + i] * _stride, _stride).CopyTo(gathered.Span[(i * _stride)..]);
            score(gathered.Span[..(count * _stride)], count, results.Span[..(count * length)]);
            for (var i = 0; i < count; i++)
                results.Span.Slice(i * length, length).CopyTo(scores[(_order[first + i] * length)..]);
            first = end;
        }
    }
}
