namespace MlNetFineTune.Data;

/// <summary>Some rows of a data view, by index into <see cref="Source"/>.</summary>
internal sealed record RowSubset(TrainingRows Source, int[] Rows)
{
    public float[] LabelsOf(IReadOnlyList<int> rows) => [.. rows.Select(row => Source.Labels[row])];

    /// <summary>Null where all rows count alike.</summary>
    public float[]? WeightsOf(IReadOnlyList<int> rows) => Source.Weights is { } weights ? [.. rows.Select(row => weights[row])] : null;
}
