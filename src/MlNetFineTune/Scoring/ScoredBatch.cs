using System.Buffers;
using Microsoft.ML.Runtime;
using MlNetFineTune.Rows;

namespace MlNetFineTune.Scoring;

/// <summary>Takes up to <see cref="Capacity"/> rows, then encodes all their views in parallel and scores them in one forward pass.</summary>
internal sealed class ScoredBatch(NetworkScorer scorer, RowReader rows, int capacity) : IDisposable
{
    private readonly float[] _scores = new float[capacity * scorer.ScoreLength];
    private readonly string?[] _reasonsOfViews = new string?[capacity * scorer.Views.Count];
    private readonly string?[] _reasons = new string?[capacity];
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(capacity * scorer.Views.Count * rows.Length);
    private int _count;
    private int _unreadable;
    private string? _firstUnreadable;

    public int Capacity { get; } = capacity;

    public int Count => _count;

    public void Clear() => _count = 0;

    public void Take() => rows.Take(_count++);

    public void Score()
    {
        var (views, length) = (scorer.Views.Count, rows.Length);
        if (_count * views == 1)
            Encode(0);
        else
            Parallel.For(0, _count * views, Encode);

        var good = 0;
        for (var i = 0; i < _count; i++)
        {
            _reasons[i] = FirstOf(_reasonsOfViews.AsSpan(i * views, views));
            if (_reasons[i] is { } reason)
            {
                _unreadable++;
                _firstUnreadable ??= $"{rows.Describe(i)}: {reason}";
            }
            else if (good++ is var place && place < i)
            {
                _bytes.AsSpan(i * views * length, views * length).CopyTo(_bytes.AsSpan(place * views * length));
            }
        }
        if (good > 0)
            scorer.Score(_bytes, good, _scores);
        Spread(good);

        void Encode(int i) => _reasonsOfViews[i] = rows.Encode(i / views, scorer.Views[i % views], _bytes.AsSpan(i * length, length));
    }

    /// <summary>Says how many rows could not be read since this was last called, if any.</summary>
    public void LogUnreadable(IHost host)
    {
        if (_unreadable == 0)
            return;
        using var channel = host.Start("Scoring");
        var unreadable = _unreadable == 1 ? $"1 {rows.Noun} could not be read; its" : $"{_unreadable} {rows.Noun}s could not be read; their";
        channel.Warning($"{unreadable} scores are missing (NaN), and ML.NET's Evaluate leaves such rows out of its metrics. The first: {_firstUnreadable}.");
        (_unreadable, _firstUnreadable) = (0, null);
    }

    /// <summary>Scores of the i-th row taken; all NaN where it could not be read.</summary>
    public ReadOnlySpan<float> ScoresOf(int i) => _scores.AsSpan(i * scorer.ScoreLength, scorer.ScoreLength);

    /// <summary>Why the i-th row taken could not be read; empty where it could.</summary>
    public ReadOnlyMemory<char> StatusOf(int i) => _reasons[i].AsMemory();

    /// <summary>Gives its memory back. Scores can be read after that, but no row taken.</summary>
    public void Dispose()
    {
        var bytes = Interlocked.Exchange(ref _bytes, []);
        if (bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(bytes);
        rows.Dispose();
    }

    private static string? FirstOf(ReadOnlySpan<string?> reasons)
    {
        foreach (var reason in reasons)
        {
            if (reason is not null)
                return reason;
        }
        return null;
    }

    // From the compact rows of the forward pass to the places the rows were taken in, from behind so that nothing is overwritten.
    private void Spread(int good)
    {
        var length = scorer.ScoreLength;
        for (var i = _count - 1; i >= 0; i--)
        {
            var target = _scores.AsSpan(i * length, length);
            if (_reasons[i] is not null)
                target.Fill(float.NaN);
            else if (--good < i)
                _scores.AsSpan(good * length, length).CopyTo(target);
        }
    }
}
