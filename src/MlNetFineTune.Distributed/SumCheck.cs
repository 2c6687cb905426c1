using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Distributed;

/// <summary>
/// Sums numbers that rounding makes different in every order, and compares the results of all processes: a library that computes something
/// else, or not the same in each, is found before the training. Libraries choose their algorithm by size, type and place of the numbers: a
/// few doubles, many, and a tensor of the size of gradients.
/// </summary>
internal static class SumCheck
{
    private const int TensorLength = (1 << 21) + 3; // 8 MB: beyond every limit of size from which a library takes another algorithm

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
                Verify(group, library, sums[i], i, tolerance: 1e-12);
            Compare(group, library, MemoryMarshal.AsBytes(sums.AsSpan()));
        }
        TorchRuntime.EnsureLoaded();
        Tensors(group, library, CPU);
    }

    /// <summary>The part about tensors.</summary>
    /// <exception cref="InvalidOperationException">The library computes wrong sums.</exception>
    public static void Tensors(MpiGroup group, string library, Device device)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var terms = new float[TensorLength];
        for (var i = 0; i < terms.Length; i++)
            terms[i] = (float)Term(group.Rank, i);
        var tensor = torch.tensor(terms, [TensorLength], ScalarType.Float32, device);
        group.StartSum(tensor).Wait();
        var onHost = tensor.cpu();
        var sums = MemoryMarshal.Cast<byte, float>(onHost.bytes);
        for (var i = 0; i < sums.Length; i++)
            Verify(group, library, sums[i], i, tolerance: 1e-6);
        Compare(group, library, onHost.bytes);
    }

    private static void Verify(MpiGroup group, string library, double sum, int i, double tolerance)
    {
        var expected = 0.0;
        for (var rank = 0; rank < group.Size; rank++)
            expected += Term(rank, i);
        // Each term is at most 1/2, so that the error of a sum is at most n times that of one addition.
        if (!(Math.Abs(sum - expected) <= tolerance * group.Size))
            throw new InvalidOperationException($"{group.Name}: {library} computes a wrong sum: {sum} instead of {expected}.");
    }

    private static void Compare(MpiGroup group, string library, ReadOnlySpan<byte> sums)
    {
        var own = SHA256.HashData(sums);
        if (group.Gather(own).Any(other => !other.AsSpan().SequenceEqual(own)))
        {
            throw new InvalidOperationException(
                $"{group.Name}: {library} computes sums that differ from process to process in their last bits, so that the processes "
                + "would train different models. Choose another algorithm of its all-reduce.");
        }
    }

    // Of both signs and without a pattern: the golden ratio's multiples.
    private static double Term(int rank, int i) => (rank * 7919L + i) * 0.6180339887498949 % 1 - 0.5;
}
