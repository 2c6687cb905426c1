namespace MlNetFineTune.Networks;

/// <summary>The rows of a batch in training.</summary>
/// <param name="Numbers">
/// [N]: the number of each row in the training data. With it, and not with the place in the batch, random numbers are drawn, so that they
/// are the same in whatever process the row is computed, and with whatever other rows.
/// </param>
/// <param name="Counts">
/// [N]: whether a row counts in the statistics of the batch; null if all do. It does not if another process counts it, or if it stands for
/// the rows of a process that has none.
/// </param>
/// <param name="Windows">[N]: number of windows in which each row is read; null if every row is read as a whole.</param>
internal sealed record TrainingRows(int[] Numbers, bool[]? Counts = null, int[]? Windows = null)
{
    /// <summary>One row that stands for those of a process that has none.</summary>
    public static TrainingRows Placeholder { get; } = new([0], [false]);
}
