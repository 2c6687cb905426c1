using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace MlNetFineTune.Distributed;

/// <summary>
/// Sums numbers that rounding makes different in every order, a few and many (the library chooses its algorithm by the size), and compares
/// the results of all processes: a library that computes something else, or not the same in each, is found before the training.
/// </summary>
internal static class SumCheck
{
    private static readonly int[] s_lengths = [3, 40_000];

    /// <exception cref="InvalidOperationException">The library computes wrong sums.</exception>
    public static void Run(MpiGroup group, string library)
    {
        foreach (var length in s_lengths)
        {
            var sums = new double[Notice.DataBytes / sizeof(double) + length];
            for (var i = 0; i < sums.Length; i++)
                sums[i] = Term(group.Rank, i);
            group.Sum(sums);
            for (var i = 0; i < sums.Length; i++)
            {
                var expected = Enumerable.Range(0, group.Size).Sum(rank => Term(rank, i));
                if (!(Math.Abs(sums[i] - expected) <= 1e-12 * group.Size))
                    throw new InvalidOperationException($"{group.Name}: {library} computes a wrong sum: {sums[i]} instead of {expected}.");
            }
            var own = SHA256.HashData(MemoryMarshal.AsBytes(sums.AsSpan()));
            if (group.Gather(own).Any(other => !other.AsSpan().SequenceEqual(own)))
            {
                throw new InvalidOperationException(
                    $"{group.Name}: {library} computes sums that differ from process to process in their last bits, so that the processes "
                    + "would train different models. Choose another algorithm of its MPI_Iallreduce.");
            }
        }
    }

    // Of both signs and without a pattern: the golden ratio's multiples.
    private static double Term(int rank, int i) => (rank * 7919L + i) * 0.6180339887498949 % 1 - 0.5;
}
