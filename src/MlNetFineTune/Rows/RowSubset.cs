namespace MlNetFineTune.Rows;

/// <summary>Some rows of a data view, by index into <see cref="Source"/>.</summary>
internal sealed record RowSubset(TrainingRows Source, int[] Rows)
{
    public float[] LabelsOf(IReadOnlyList<int> rows) => [.. rows.Select(row => Source.Labels[row])];
}
