namespace MlNetFineTune.Tasks;

/// <summary>
/// Hits and misses of predicted labels, row by row, and the metrics that scikit-learn makes of them
/// (with <c>zero_division=0</c>). Rows are not kept.
/// </summary>
internal sealed class MultiLabelCounts
{
    private readonly long[] _hits;
    private readonly long[] _false;
    private readonly long[] _missed;
    private long _exact;

    /// <param name="labels">Number of labels, at least one.</param>
    public MultiLabelCounts(int labels)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(labels);
        (_hits, _false, _missed) = (new long[labels], new long[labels], new long[labels]);
    }

    public long Rows { get; private set; }

    /// <summary>The F1 of all labels and rows together: frequent labels count most. 0 where no label is there nor predicted.</summary>
    public double MicroF1 => new BinaryCounts(_hits.Sum(), _false.Sum(), _missed.Sum(), 0).F1;

    /// <summary>The plain mean of the labels' F1: rare labels count as much as frequent ones. A label that is never there nor predicted
    /// counts as 0, as in scikit-learn.</summary>
    public double MacroF1 => PerLabelF1.Average();

    /// <summary>0 for a label that is never there nor predicted.</summary>
    public double[] PerLabelF1 => [.. _hits.Select((hits, label) => new BinaryCounts(hits, _false[label], _missed[label], 0).F1)];

    /// <summary>The share of wrong answers among all, rows times labels. NaN without rows.</summary>
    public double HammingLoss => (_false.Sum() + _missed.Sum()) / ((double)Rows * _hits.Length);

    /// <summary>The share of rows in which no label is wrong. NaN without rows.</summary>
    public double SubsetAccuracy => _exact / (double)Rows;

    /// <param name="labels">Whether the row has each label.</param>
    /// <param name="predicted">Whether it is predicted to have it.</param>
    /// <exception cref="ArgumentException">Other numbers of labels.</exception>
    public void Add(ReadOnlySpan<bool> labels, ReadOnlySpan<bool> predicted)
    {
        if (labels.Length != _hits.Length || predicted.Length != _hits.Length)
        {
            throw new ArgumentException(
                $"A row has {labels.Length} labels and {predicted.Length} predicted ones; expected {_hits.Length} of each.");
        }
        for (var label = 0; label < labels.Length; label++)
        {
            if (labels[label] && predicted[label])
                _hits[label]++;
            else if (predicted[label])
                _false[label]++;
            else if (labels[label])
                _missed[label]++;
        }
        _exact += labels.SequenceEqual(predicted) ? 1 : 0;
        Rows++;
    }
}
