using MlNetFineTune.Data;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Training;

/// <summary>
/// Batches of rows of similar length, so that little of them is padding. As in transformers' <c>group_by_length</c>, 50 batches at a time
/// are sorted by length, and a quarter of the epoch of small data, whose batches would otherwise be the same in every epoch; unlike there,
/// the batches are shuffled afterwards, so that lengths do not fall within an epoch. If rows have no lengths, nothing is changed.
/// </summary>
/// <param name="rows">The rows, which know their lengths.</param>
/// <param name="batchSize">Maximum number of rows in a batch.</param>
/// <param name="maxTokens">Maximum number of steps in a batch, with padding; null for no limit. A longer row is a batch of its own.</param>
internal sealed class LengthBuckets(Dataset rows, int batchSize, int? maxTokens)
{
    // Steps that are sorted together.
    private const int MostTogether = 50, PartsOfEpoch = 4;

    /// <summary>Batches in which the order of rows does not matter: from the longest rows to the shortest, so that a lack of memory shows
    /// at the beginning.</summary>
    public int[][] Sorted(int[] all) => all.Length == 0 || rows.StepsOf(all[0]) is null
        ? BatchLoader.Split(all, batchSize)
        : [.. BatchLoader.Split(ByLength(all), batchSize).SelectMany(Within)];

    /// <summary>The steps of an epoch, each with its batches.</summary>
    /// <param name="order">The shuffled rows.</param>
    /// <param name="batchesOfStep">Batches in a step.</param>
    /// <param name="seed">Seed of the training.</param>
    /// <param name="epoch">The epoch.</param>
    public EpochOrder Steps(int[] order, int batchesOfStep, long seed, int epoch)
    {
        if (order.Length == 0 || rows.StepsOf(order[0]) is null)
            return EpochOrder.Of(order, batchSize, batchesOfStep);
        var split = BatchLoader.Split(order, (int)Math.Min((long)batchSize * batchesOfStep, int.MaxValue / 2));
        var steps = split.Chunk(Math.Clamp(split.Length / PartsOfEpoch, 1, MostTogether)).SelectMany(Regrouped).ToArray();
        new CountedRandom(seed, RandomStream.BatchOrder, epoch, ordinal: 0).Shuffle<int[]>(steps);
        return EpochOrder.Of([.. steps.Select(step => BatchLoader.Split(step, batchSize).SelectMany(Within).ToArray())]);
    }

    /// <summary>The steps of an epoch in their order, with batches within the limit of steps.</summary>
    /// <param name="order">The shuffled rows.</param>
    /// <param name="batchesOfStep">Batches in a step.</param>
    public EpochOrder Unsorted(int[] order, int batchesOfStep)
    {
        var plain = EpochOrder.Of(order, batchSize, batchesOfStep);
        if (maxTokens is null || order.Length == 0 || rows.StepsOf(order[0]) is null)
            return plain;
        return EpochOrder.Of([.. plain.Batches.Zip(plain.StepOf).GroupBy(batch => batch.Second).Select(step =>
            step.SelectMany(batch => Within(ByLength(batch.First))).ToArray())]);
    }

    /// <summary>Fraction of the steps of batches that is padding.</summary>
    public double Padding(IReadOnlyList<int[]> batches)
    {
        long used = 0, all = 0;
        foreach (var batch in batches)
        {
            used += batch.Sum(row => (long)StepsOf(row));
            all += (long)batch.Length * batch.Max(StepsOf);
        }
        return all == 0 ? 0 : 1 - (double)used / all;
    }

    /// <summary>Whether rows are within the limit of steps of a batch.</summary>
    public bool AreFew(int[] batch) => maxTokens is not { } most || (long)batch.Length * batch.Max(StepsOf) <= most;

    private int StepsOf(int row) => rows.StepsOf(row) ?? 1;

    private int[] ByLength(IEnumerable<int> some) => [.. some.OrderByDescending(StepsOf)]; // stable

    // The same sizes of steps, with the rows sorted across them.
    private IEnumerable<int[]> Regrouped(int[][] steps)
    {
        var sorted = ByLength(steps.SelectMany(step => step));
        var first = 0;
        foreach (var step in steps)
        {
            yield return sorted[first..(first + step.Length)];
            first += step.Length;
        }
    }

    // Rows from the longest on, in batches within the limit of steps.
    private IEnumerable<int[]> Within(int[] batch)
    {
        if (maxTokens is not { } most)
            return [batch];
        var size = Math.Max(most / StepsOf(batch[0]), 1);
        return size >= batch.Length ? [batch] : Within(batch[..size]).Concat(Within(batch[size..]));
    }
}
