using Microsoft.ML.Runtime;

namespace MlNetFineTune.Scoring;

/// <summary>Takes pictures of up to <see cref="Capacity"/> rows, then encodes all their views in parallel and scores them in one forward pass.</summary>
internal sealed class ScoredBatch(ImageScorer scorer, RowImages images, int capacity)
{
    private readonly byte[] _pixels = new byte[capacity * scorer.Views.Count * scorer.Encoder.Length];
    private readonly float[] _scores = new float[capacity * scorer.Classes];
    private readonly string?[] _reasonsOfViews = new string?[capacity * scorer.Views.Count];
    private readonly string?[] _reasons = new string?[capacity];
    private int _count;
    private int _unreadable;
    private string? _firstUnreadable;

    public int Capacity { get; } = capacity;

    public int Count => _count;

    public void Clear() => _count = 0;

    public void Take() => images.Take(_count++);

    public void Score()
    {
        var (views, length) = (scorer.Views.Count, scorer.Encoder.Length);
        if (_count * views == 1)
            Encode(0);
        else
            Parallel.For(0, _count * views, Encode);

        var good = 0;
        for (var i = 0; i < _count; i++)
        {
            _reasons[i] = Array.Find(_reasonsOfViews[(i * views)..((i + 1) * views)], reason => reason is not null);
            if (_reasons[i] is { } reason)
            {
                _unreadable++;
                _firstUnreadable ??= $"{images.Describe(i)}: {reason}";
            }
            else if (good++ is var place && place < i)
            {
                _pixels.AsSpan(i * views * length, views * length).CopyTo(_pixels.AsSpan(place * views * length));
            }
        }
        if (good > 0)
            scorer.Score(_pixels, good, _scores);
        Spread(good);

        void Encode(int i) => _reasonsOfViews[i] = images.Encode(i / views, scorer.Encoder, scorer.Views[i % views], _pixels.AsSpan(i * length, length));
    }

    /// <summary>Says how many pictures could not be read since this was last called, if any.</summary>
    public void LogUnreadable(IHost host)
    {
        if (_unreadable == 0)
            return;
        using var channel = host.Start("Scoring");
        var pictures = _unreadable == 1 ? "1 picture could not be read; its" : $"{_unreadable} pictures could not be read; their";
        channel.Warning($"{pictures} scores are missing (NaN), and ML.NET's Evaluate leaves such rows out of its metrics. The first: {_firstUnreadable}.");
        (_unreadable, _firstUnreadable) = (0, null);
    }

    /// <summary>Probabilities of the i-th row taken; all NaN where its picture could not be read.</summary>
    public ReadOnlySpan<float> ScoresOf(int i) => _scores.AsSpan(i * scorer.Classes, scorer.Classes);

    /// <summary>The most probable class of the i-th row taken, from 1 as ML.NET counts keys; 0 (missing) where its picture could not be read.</summary>
    public uint PredictedKeyOf(int i) => _reasons[i] is null ? (uint)System.Numerics.Tensors.TensorPrimitives.IndexOfMax(ScoresOf(i)) + 1 : 0;

    /// <summary>Why the picture of the i-th row taken could not be read; empty where it could.</summary>
    public ReadOnlyMemory<char> StatusOf(int i) => _reasons[i].AsMemory();

    // From the compact rows of the forward pass to the places the rows were taken in, from behind so that nothing is overwritten.
    private void Spread(int good)
    {
        var classes = scorer.Classes;
        for (var i = _count - 1; i >= 0; i--)
        {
            var target = _scores.AsSpan(i * classes, classes);
            if (_reasons[i] is not null)
                target.Fill(float.NaN);
            else if (--good < i)
                _scores.AsSpan(good * classes, classes).CopyTo(target);
        }
    }
}
