namespace MlNetFineTune.Data;

/// <summary>Rows of a source, by index.</summary>
internal sealed record RowSubset(LabeledData Source, int[] Rows)
{
    /// <returns>Labels of the rows, <see cref="LabeledData.LabelWidth"/> numbers each.</returns>
    public float[] LabelsOf(IReadOnlyList<int> rows)
    {
        var width = Source.LabelWidth;
        var labels = new float[rows.Count * width];
        for (var i = 0; i < rows.Count; i++)
            Source.LabelOf(rows[i]).CopyTo(labels.AsSpan(i * width));
        return labels;
    }

    /// <returns>Weights of the rows; null if all are 1.</returns>
    public float[]? WeightsOf(IReadOnlyList<int> rows) => Source.Weights is { } weights ? [.. rows.Select(row => weights[row])] : null;
}
