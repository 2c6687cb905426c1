namespace MlNetFineTune.Tasks;

/// <summary>
/// Confusion counts of predicted labels and scikit-learn's metrics of them (with <c>zero_division=0</c>). Rows are not stored.
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

    /// <summary>F1 over all labels and rows together. 0 if no label is present or predicted.</summary>
    public double MicroF1 => new BinaryCounts(_hits.Sum(), _false.Sum(), _missed.Sum(), 0).F1;

    /// <summary>
    /// The unweighted mean of the labels' F1. A label that is never present or predicted counts as 0, as in scikit-learn.
    /// </summary>
    public double MacroF1 => PerLabelF1.Average();

    /// <summary>F1 of each label; 0 for a label that is never present or predicted.</summary>
    public double[] PerLabelF1 => [.. _hits.Select((hits, label) => new BinaryCounts(hits, _false[label], _missed[label], 0).F1)];

    /// <summary>The fraction of wrong predictions among all pairs of row and label. NaN without rows.</summary>
    public double HammingLoss => (_false.Sum() + _missed.Sum()) / ((double)Rows * _hits.Length);

    /// <summary>The fraction of rows without a wrong label. NaN without rows.</summary>
    public double SubsetAccuracy => _exact / (double)Rows;

    /// <param name="labels">Whether the row has each label.</param>
    /// <param name="predicted">Whether it is predicted to have it.</param>
    /// <exception cref="ArgumentException">The number of labels differs.</exception>
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
