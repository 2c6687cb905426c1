using MlNetFineTune.Data;

namespace MlNetFineTune.Training;

/// <summary>The batches of an epoch, and how many of them make a step together.</summary>
/// <param name="Batches">Rows of each.</param>
/// <param name="StepOf">The step that each belongs to, from 0, rising.</param>
internal sealed record EpochOrder(int[][] Batches, int[] StepOf)
{
    public int Steps => StepOf is [.., var last] ? last + 1 : 0;

    /// <summary>Steps are split as if a step were one large batch, so that their rows are the same as with one.</summary>
    public static EpochOrder Of(IReadOnlyList<int> rows, int batchSize, int batchesOfStep)
    {
        var steps = BatchLoader.Split(rows, (int)Math.Min((long)batchSize * batchesOfStep, int.MaxValue / 2));
        var batches = steps.Select(step => BatchLoader.Split(step, batchSize)).ToArray();
        return new([.. batches.SelectMany(step => step)], [.. batches.SelectMany((step, index) => Enumerable.Repeat(index, step.Length))]);
    }

    /// <summary>The rows of all batches of a batch's step.</summary>
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
