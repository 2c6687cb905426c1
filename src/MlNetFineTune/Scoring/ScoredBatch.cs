using Microsoft.ML.Runtime;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Scoring;

/// <summary>The scores of a batch of rows, from one forward pass.</summary>
/// <param name="scorer">The network, or what is computed with it.</param>
/// <param name="capacity">Rows, at most.</param>
internal sealed class ScoredBatch(IBatchScorer scorer, int capacity) : IScoredRows
{
    private readonly float[] _scores = new float[capacity * scorer.ScoreLength];
    private readonly string?[] _reasons = new string?[capacity];
    private string _noun = "row";
    private int _unreadable;
    private string? _firstUnreadable;

    public int Count { get; private set; }

    /// <summary>The rows that were scored last; null before the first.</summary>
    public EncodedBatch? Encoded { get; private set; }

    /// <param name="batch">Encoded. Its bytes are moved together where rows cannot be used.</param>
    public void Score(EncodedBatch batch)
    {
        (Count, _noun, Encoded) = (batch.Count, batch.Noun, batch);
        var (good, length) = (0, batch.RowLength);
        for (var i = 0; i < Count; i++)
        {
            _reasons[i] = batch.ReasonOf(i);
            if (_reasons[i] is { } reason)
            {
                _unreadable++;
                _firstUnreadable ??= $"{batch.Describe(i)}: {reason}";
            }
            else if (good++ is var place && place < i)
            {
                batch.Bytes.Slice(i * length, length).CopyTo(batch.Bytes[(place * length)..]);
            }
        }
        if (good > 0)
            scorer.Score(batch.Bytes, good, _scores);
        Spread(good);
    }

    /// <summary>Says how many rows could not be read since this was last called, if any.</summary>
    public void LogUnreadable(IHost host)
    {
        if (_unreadable == 0)
            return;
        using var channel = host.Start("Scoring");
        var unreadable = _unreadable == 1 ? $"1 {_noun} could not be read; its" : $"{_unreadable} {_noun}s could not be read; their";
        channel.Warning($"{unreadable} {scorer.OfUnreadable}. The first: {_firstUnreadable}.");
        (_unreadable, _firstUnreadable) = (0, null);
    }

    /// <summary>Scores of the i-th row; all NaN where it could not be read.</summary>
    public ReadOnlySpan<float> ScoresOf(int i) => _scores.AsSpan(i * scorer.ScoreLength, scorer.ScoreLength);

    /// <summary>Why the i-th row could not be read; empty where it could.</summary>
    public ReadOnlyMemory<char> StatusOf(int i) => _reasons[i].AsMemory();

    // From the compact rows of the forward pass to the places the rows were taken in, from behind so that nothing is overwritten.
    private void Spread(int good)
    {
        var length = scorer.ScoreLength;
        for (var i = Count - 1; i >= 0; i--)
        {
            var target = _scores.AsSpan(i * length, length);
            if (_reasons[i] is not null)
                target.Fill(float.NaN);
            else if (--good < i)
                _scores.AsSpan(good * length, length).CopyTo(target);
        }
    }
}
