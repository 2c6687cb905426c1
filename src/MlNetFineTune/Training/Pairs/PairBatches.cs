using MlNetFineTune.Data;

namespace MlNetFineTune.Training;

/// <summary>The batches of an epoch of pairs.</summary>
internal static class PairBatches
{
    /// <param name="pairs">The pairs in their order.</param>
    /// <param name="batchSize">Maximum number of rows in a batch; it has half as many pairs, at least one.</param>
    /// <param name="batchesOfStep">Batches in a step.</param>
    /// <param name="lengths">Lengths of the rows and their limit in a batch, by which batches are split within their step.</param>
    public static EpochOrder Of(RowPair[] pairs, int batchSize, int batchesOfStep, LengthBuckets lengths)
    {
        var pairsOfBatch = Math.Max(batchSize / 2, 1);
        RowPair[][][] steps =
        [
            .. BatchLoader.Split(pairs, (int)Math.Min((long)pairsOfBatch * batchesOfStep, int.MaxValue / 2))
                .Select(step => BatchLoader.Split(step, pairsOfBatch).SelectMany(Within).ToArray()),
        ];
        return EpochOrder.Of([.. steps.Select(step => Array.ConvertAll(step, RowsOf))]) with
        {
            Pairs = [.. steps.SelectMany(step => step)],
        };

        IEnumerable<RowPair[]> Within(RowPair[] batch) => batch.Length == 1 || lengths.AreFew(RowsOf(batch))
            ? [batch]
            : Within(batch[..(batch.Length / 2)]).Concat(Within(batch[(batch.Length / 2)..]));
    }

    // Each row once, in the order of the pairs.
    private static int[] RowsOf(RowPair[] pairs) => [.. pairs.SelectMany(pair => (int[])[pair.First, pair.Second]).Distinct()];
}
