using MlNetFineTune.Search;

namespace MlNetFineTune.Labeling;

/// <summary>Rows that are labelled, or can be, in memory: what a <see cref="LabelingStrategy"/> uses of them.</summary>
/// <param name="dimension">Size of the feature vectors; 1 if there are none.</param>
/// <param name="classes">Names of the classes; empty if there are no probabilities.</param>
internal sealed class LabelingRows(int dimension, IReadOnlyList<string> classes)
{
    private readonly List<string> _keys = [];
    private readonly List<Margin> _margins = [];

    public int Count => _keys.Count;

    public IReadOnlyList<string> Keys => _keys;

    /// <summary>One for each row, if there are probabilities.</summary>
    public IReadOnlyList<Margin> Margins => _margins;

    /// <summary>One for each row, if there are features.</summary>
    public UnitVectors Features { get; } = new(dimension);

    /// <param name="key">Key of the row.</param>
    /// <param name="margin">Null if the strategy does not use it.</param>
    /// <param name="features">Of length 1; empty if the strategy does not use them.</param>
    public void Add(string key, Margin? margin, ReadOnlySpan<float> features)
    {
        _keys.Add(key);
        if (margin is { } known)
            _margins.Add(known);
        if (!features.IsEmpty)
            features.CopyTo(Features.Append());
    }

    /// <summary>Indices of the rows with the smallest margins, in ascending order of margin; of equal ones the first.</summary>
    public int[] BySmallestMargin(int count) =>
        [.. Enumerable.Range(0, Count).OrderBy(row => _margins[row].Value).Take(count)]; // stable

    /// <summary>These rows only, in this order.</summary>
    public LabelingRows Select(int[] rows)
    {
        var selected = new LabelingRows(dimension, classes);
        foreach (var row in rows)
            selected.Add(_keys[row], _margins[row], Features[row]);
        return selected;
    }

    /// <summary>The two most probable classes with their probabilities, as text.</summary>
    public string MarginOf(int row)
    {
        var (first, second, larger, smaller) = _margins[row];
        return FormattableString.Invariant($"{SafeText.Of(classes[first])} {larger:0.000}, {SafeText.Of(classes[second])} {smaller:0.000}");
    }
}
