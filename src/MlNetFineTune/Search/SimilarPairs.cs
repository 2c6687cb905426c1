using System.Numerics;
using System.Numerics.Tensors;

namespace MlNetFineTune.Search;

/// <summary>
/// All pairs of pictures that are alike by two measures: the cosine of their vectors, and the number of equal bits of their 64-bit
/// perceptual hashes. The similarity is the mean of the cosine and 1 - d / 32 for d different bits; both are 1 for equal pictures and near
/// 0 for unrelated ones. The search is exact. It compares the hashes of all pairs, and the vectors of those pairs whose hashes leave the
/// required similarity possible: on photos about one pair in a hundred, so that the time of the vectors hardly counts. Nothing is stored
/// for a pair.
/// </summary>
internal static class SimilarPairs
{
    private const float ChanceBits = 32; // different bits of two unrelated hashes of 64

    /// <param name="vectors">Vectors of length 1.</param>
    /// <param name="hashes">The hash of each vector's picture.</param>
    /// <param name="least">The least similarity that is reported. Above 0, at most 1.</param>
    /// <param name="workers">Number of threads. They do not change the pairs, only their order.</param>
    /// <param name="found">Receives each pair once, the lower row first, from any thread.</param>
    /// <param name="advance">Receives the number of rows compared with all later ones, from any thread.</param>
    /// <param name="cancellation">Cancels the search.</param>
    public static void Find(
        UnitVectors vectors, ulong[] hashes, float least, int workers, Action<int, int, float> found, Action<int> advance,
        CancellationToken cancellation)
    {
        // (cosine + 1 - d / 32) / 2 >= least needs d <= 64 (1 - least), as the cosine is 1 at most.
        var mostBits = (int)(2 * ChanceBits * (1 - least) + 1e-4f);
        var options = new ParallelOptions { MaxDegreeOfParallelism = workers, CancellationToken = cancellation };
        Parallel.For(0, vectors.Blocks, options, block =>
        {
            var (begin, end) = vectors.RowsOf(block);
            for (var row = begin; row < end; row++)
            {
                cancellation.ThrowIfCancellationRequested();
                for (var other = row + 1; other < hashes.Length; other++)
                {
                    var bits = BitOperations.PopCount(hashes[row] ^ hashes[other]);
                    if (bits > mostBits)
                        continue;
                    var similarity = Similarity(TensorPrimitives.Dot<float>(vectors[row], vectors[other]), bits);
                    if (similarity >= least)
                        found(row, other, similarity);
                }
            }
            advance(end - begin);
        });
    }

    private static float Similarity(float cosine, int bits) => Math.Min((cosine + 1 - bits / ChanceBits) / 2, 1); // rounding above 1
}
