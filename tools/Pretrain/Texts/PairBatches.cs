using MlNetFineTune.Primitives;

namespace Pretrain;

/// <summary>Pairs of texts that say the same thing in two ways, drawn anew in each epoch by counted randomness.</summary>
/// <param name="views">The views of each entry, as tokens.</param>
/// <param name="batchSize">Number of pairs in a batch.</param>
/// <param name="seed">Decides the order and the drawn views.</param>
internal sealed class PairBatches(int[][][] views, int batchSize, long seed)
{
    private static readonly RandomStream s_order = new(4), s_views = new(5);

    /// <summary>Batches without end, epoch after epoch.</summary>
    public IEnumerable<(int[] First, int[] Second)[]> Endless() => Enumerable.Range(0, int.MaxValue).SelectMany(Epoch);

    public IEnumerable<(int[] First, int[] Second)[]> Epoch(int epoch)
    {
        var order = Enumerable.Range(0, views.Length).ToArray();
        new CountedRandom(seed, s_order, epoch, ordinal: 0).Shuffle<int>(order);
        return order.Chunk(batchSize).Where(batch => batch.Length == batchSize)
            .Select(batch => Array.ConvertAll(batch, entry => Draw(entry, epoch)));
    }

    private (int[] First, int[] Second) Draw(int entry, int epoch)
    {
        var random = new CountedRandom(seed, s_views, epoch, entry);
        var all = views[entry];
        var first = random.NextInt(all.Length);
        return (all[first], all[(first + 1 + random.NextInt(all.Length - 1)) % all.Length]);
    }
}
