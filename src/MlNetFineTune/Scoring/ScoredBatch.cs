using Microsoft.ML.Runtime;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Scoring;

/// <summary>The scores of a batch of rows, from one forward pass.</summary>
/// <param name="scorer">Scorer of the network, or of another function of it.</param>
/// <param name="capacity">Maximum number of rows.</param>
/// <param name="cache">Cache for the computed scores; null for none.</param>
internal sealed class ScoredBatch(IBatchScorer scorer, int capacity, ScoreCache? cache = null) : IScoredRows
{
    private readonly float[] _scores = new float[capacity * scorer.ScoreLength];
    private readonly string?[] _reasons = new string?[capacity];
    private readonly List<(ContentHash Key, int Place)> _computed = [];
    private string _noun = "row";
    private int _unreadable;
    private int _cut;
    private string? _firstUnreadable;

    public int Count { get; private set; }

    /// <summary>The last scored rows; null before the first.</summary>
    public EncodedBatch? Encoded { get; private set; }

    /// <param name="batch">The encoded rows. Their bytes are compacted if some rows cannot be used.</param>
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
            else if (batch.KnownScoresOf(i).IsEmpty)
            {
                _cut += batch.Rows.IsCut(i) ? 1 : 0;
                var place = good++;
                if (place < i)
                    batch.Bytes.Slice(i * length, length).CopyTo(batch.Bytes[(place * length)..]);
            }
        }
        if (good > 0)
            scorer.Score(batch.Bytes[..(good * length)], good, _scores);
        Spread(batch, good);
    }

    /// <summary>Logs the number of rows that could not be read since the last call, if any.</summary>
    public void LogUnreadable(IHost host)
    {
        if (_unreadable == 0)
            return;
        using var channel = host.Start("Scoring");
        var unreadable = _unreadable == 1 ? $"1 {_noun} could not be read; its" : $"{_unreadable} {_noun}s could not be read; their";
        channel.Warning($"{unreadable} {scorer.Missing}. The first: {_firstUnreadable}.");
        (_unreadable, _firstUnreadable) = (0, null);
    }

    /// <summary>Logs the number of rows of which a part was left out, if any.</summary>
    public void LogCut(IHost host)
    {
        if (_cut == 0)
            return;
        using var channel = host.Start("Scoring");
        channel.Info(_cut == 1
            ? $"1 {_noun} is longer than the maximum length; a part of it was left out."
            : $"{_cut} {_noun}s are longer than the maximum length; a part of each was left out.");
        _cut = 0;
    }

    /// <summary>Scores of the i-th row; NaN if it could not be read.</summary>
    public ReadOnlySpan<float> ScoresOf(int i) => _scores.AsSpan(i * scorer.ScoreLength, scorer.ScoreLength);

    /// <summary>The reason why the i-th row could not be read; empty if it could.</summary>
    public ReadOnlyMemory<char> StatusOf(int i) => _reasons[i].AsMemory();

    /// <summary>The text in which the answer of the i-th row is found; empty if the task seeks none.</summary>
    public ReadOnlyMemory<char> ContextOf(int i) => Encoded!.Rows.ContextOf(i);

    // Moves scores from the compacted order back to the order of the rows, from the end so that nothing is overwritten.
    private void Spread(EncodedBatch batch, int good)
    {
        var length = scorer.ScoreLength;
        _computed.Clear();
        for (var i = Count - 1; i >= 0; i--)
        {
            var target = _scores.AsSpan(i * length, length);
            if (_reasons[i] is not null)
                target.Fill(float.NaN);
            else if (batch.KnownScoresOf(i) is { IsEmpty: false } known)
                known.CopyTo(target);
            else
                Place(--good, i);
        }
        cache?.Put(_computed, _scores);

        void Place(int from, int to)
        {
            if (from != to)
                _scores.AsSpan(from * length, length).CopyTo(_scores.AsSpan(to * length));
            if (batch.KeyOf(to) is { } key)
                _computed.Add((key, to));
        }
    }

    /// <summary>Called at the end of the pass over the data.</summary>
    public void EndPass() => cache?.EndPass();
}
