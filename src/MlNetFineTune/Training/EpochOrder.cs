using MlNetFineTune.Data;

namespace MlNetFineTune.Training;

/// <summary>The batches of an epoch and their steps.</summary>
/// <param name="Batches">Rows of each batch.</param>
/// <param name="StepOf">The step of each batch, from 0, ascending.</param>
internal sealed record EpochOrder(int[][] Batches, int[] StepOf)
{
    /// <summary>The pairs of each batch, whose rows are those of <see cref="Batches"/>; null if rows are trained one by one.</summary>
    public IReadOnlyList<RowPair[]>? Pairs { get; init; }

    public int Steps => StepOf is [.., var last] ? last + 1 : 0;

    /// <summary>Rows are distributed to steps as to large batches, so that steps have the same rows as with a larger batch size.</summary>
    public static EpochOrder Of(IReadOnlyList<int> rows, int batchSize, int batchesOfStep)
    {
        var steps = BatchLoader.Split(rows, (int)Math.Min((long)batchSize * batchesOfStep, int.MaxValue / 2));
        return Of([.. steps.Select(step => BatchLoader.Split(step, batchSize))]);
    }

    /// <param name="steps">The batches of each step.</param>
    public static EpochOrder Of(IReadOnlyList<int[][]> steps) =>
        new([.. steps.SelectMany(step => step)], [.. steps.SelectMany((step, index) => Enumerable.Repeat(index, step.Length))]);

    /// <summary>The rows of all batches of the step to which a batch belongs.</summary>
    public int[] RowsOfStep(int batch)
    {
        var (first, end) = (batch, batch + 1);
        while (first > 0 && StepOf[first - 1] == StepOf[batch])
            first--;
        while (end < StepOf.Length && StepOf[end] == StepOf[batch])
            end++;
        return [.. Batches[first..end].SelectMany(rows => rows)];
    }

    public bool EndsStep(int batch) => batch + 1 == StepOf.Length || StepOf[batch + 1] != StepOf[batch];
}
