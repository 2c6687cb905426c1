using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MlNetFineTune.Processes;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Ranks;

/// <summary>Every operation of a group, compared with what one process alone computes from the numbers of all.</summary>
internal static class Collectives
{
    public static void Run(ProcessGroup group)
    {
        TorchRuntimeLoaded();
        group.ComputesOn(CPU);
        group.ComputesOn(CPU); // the next training
        var tensors = Tensor.TotalCount;
        foreach (var length in (int[])[0, 1, 2, 48, 49, 5000, 100_000])
            SumsOfNumbers(group, length);
        foreach (var length in (int[])[1, 7, 5000, 40_001, 300_007])
            SumsOfTensors(group, [length], pending: 1);
        SumsOfTensors(group, [5, 3, 1, 200_000, 2, 70_001, 4], pending: 7);
        for (var i = 0; i < 20; i++)
            SumsOfTensors(group, [.. Enumerable.Range(1, 12).Select(n => n * 37)], pending: 12);
        SumOfAView(group);
        SumsOfTwoThreads(group);
        foreach (var length in (int[])[0, 1, 384, 385, 100_000])
            GathersAndBroadcasts(group, length);
        Require(group.Any(group.Rank == group.Size - 1) && !group.Any(false), "Any");
        group.Barrier();
        SmallNumbersStay(group);
        Require(Tensor.TotalCount == tensors, $"{Tensor.TotalCount - tensors} tensors are left");
    }

    /// <summary>More than one message of the library carries.</summary>
    public static void RunLarge(ProcessGroup group)
    {
        TorchRuntimeLoaded();
        const int Bytes = (1 << 28) + 12_345;
        var own = new byte[Bytes];
        for (var i = 0; i < Bytes; i++)
            own[i] = (byte)(i * 31 + group.Rank);
        var all = group.Gather(own.AsSpan(0, Bytes - group.Rank));
        for (var rank = 0; rank < group.Size; rank++)
        {
            Require(all[rank].Length == Bytes - rank, "length of a large gather");
            for (var i = 0; i < all[rank].Length; i++)
            {
                if (all[rank][i] != (byte)(i * 31 + rank))
                    throw new InvalidOperationException($"byte {i} of rank {rank}");
            }
        }
        Require(group.Broadcast(own).AsSpan().SequenceEqual(all[0]), "large broadcast");
        all = [];

        var numbers = new double[(1 << 25) + 5];
        numbers.AsSpan().Fill(group.Rank + 1);
        group.Sum(numbers);
        Require(numbers.AsSpan().IndexOfAnyExcept(group.Size * (group.Size + 1) / 2.0) < 0, "large sum of numbers");

        using var tensor = full([(1 << 26) + 3], group.Rank + 1, dtype: ScalarType.Float32);
        group.StartSum(tensor).Wait();
        Require(Floats(tensor).IndexOfAnyExcept(group.Size * (group.Size + 1) / 2f) < 0, "large sum of a tensor");
    }

    public static void Require(bool condition, string what)
    {
        if (!condition)
            throw new InvalidOperationException($"{what} is wrong.");
    }

    private static void SumsOfNumbers(ProcessGroup group, int length)
    {
        var sums = new double[length];
        for (var i = 0; i < length; i++)
            sums[i] = Term(group.Rank, i);
        group.Sum(sums);
        for (var i = 0; i < length; i++)
            Require(Math.Abs(sums[i] - Enumerable.Range(0, group.Size).Sum(rank => Term(rank, i))) < 1e-12, $"sum {i} of {length} numbers");
        RequireSameBits(group, MemoryMarshal.AsBytes(sums.AsSpan()), $"sum of {length} numbers");
    }

    private static void SumsOfTensors(ProcessGroup group, int[] lengths, int pending)
    {
        using var scope = NewDisposeScope();
        var tensors = lengths.Select(length => tensor(
            [.. Enumerable.Range(0, length).Select(i => (float)Term(group.Rank, i + length))], ScalarType.Float32)).ToList();
        var sums = new List<PendingSum>();
        foreach (var each in tensors)
        {
            sums.Add(group.StartSum(each));
            sums[0].Progress();
        }
        Require(sums.Count == pending, "number of sums");
        // Waited for in another order than started.
        foreach (var sum in Enumerable.Reverse(sums))
        {
            sum.Wait();
            sum.Wait();
            Require(sum.Progress(), "a complete sum");
        }
        foreach (var (length, each) in lengths.Zip(tensors))
        {
            var numbers = Floats(each);
            for (var i = 0; i < length; i++)
            {
                var expected = Enumerable.Range(0, group.Size).Sum(rank => (double)(float)Term(rank, i + length));
                Require(Math.Abs(numbers[i] - expected) < 1e-6, $"sum {i} of a tensor of {length}");
            }
            RequireSameBits(group, MemoryMarshal.AsBytes(numbers), $"sum of a tensor of {length}");
        }
    }

    private static void SumOfAView(ProcessGroup group)
    {
        using var scope = NewDisposeScope();
        var whole = ones([4, 6], dtype: ScalarType.Float32);
        group.StartSum(whole[1]).Wait();
        var expected = Enumerable.Range(0, 24).Select(i => i / 6 == 1 ? (float)group.Size : 1f);
        Require(Floats(whole).ToArray().SequenceEqual(expected), "sum of a row of a matrix");
        try
        {
            group.StartSum(whole.t()).Wait();
            Require(!group.IsSeveral, "a tensor that is not contiguous");
        }
        catch (ArgumentException)
        {
        }
    }

    // As in the backward pass of a GPU, which libtorch runs on a thread of its own: BatchNorm sums there while gradients are under way.
    private static void SumsOfTwoThreads(ProcessGroup group)
    {
        using var gradients = ones([5000], dtype: ScalarType.Float32);
        var pending = group.StartSum(gradients);
        double[] sums = [group.Rank + 1];
        Exception? fault = null;
        var other = new Thread(() =>
        {
            try
            {
                group.Sum(sums);
            }
            catch (Exception e)
            {
                fault = e;
            }
        });
        other.Start();
        other.Join();
        if (fault is not null)
            throw fault;
        pending.Wait();
        Require(sums[0] == group.Size * (group.Size + 1) / 2.0, "sum in another thread");
        Require(Floats(gradients).IndexOfAnyExcept(group.Size) < 0, "sum that was under way meanwhile");
    }

    private static void GathersAndBroadcasts(ProcessGroup group, int length)
    {
        // Ragged: rank 0 has the fewest.
        byte[] BytesOf(int rank) => [.. Enumerable.Range(0, length * rank + length / 2).Select(i => (byte)(i * 17 + rank))];
        var all = group.Gather(BytesOf(group.Rank));
        Require(all.Length == group.Size, "number of gathered");
        for (var rank = 0; rank < group.Size; rank++)
            Require(all[rank].AsSpan().SequenceEqual(BytesOf(rank)), $"gather of {length} bytes of rank {rank}");
        Require(group.Broadcast(BytesOf(group.Rank + 1)).AsSpan().SequenceEqual(BytesOf(1)), $"broadcast of {length} bytes");
    }

    // Denormal numbers, infinities and not-a-number, short and long.
    private static void SmallNumbersStay(ProcessGroup group)
    {
        double[] special = [double.Epsilon, double.PositiveInfinity, double.NaN, 1e300];
        foreach (var repeat in (int[])[1, 50])
        {
            double[] sums = [.. Enumerable.Repeat(special, repeat).SelectMany(all => all)];
            group.Sum(sums);
            Require(
                sums[0] == double.Epsilon * group.Size && double.IsPositiveInfinity(sums[1]) && double.IsNaN(sums[2]), "special numbers");
        }
    }

    private static void RequireSameBits(ProcessGroup group, ReadOnlySpan<byte> bytes, string what)
    {
        var own = SHA256.HashData(bytes);
        Require(group.Gather(own).All(other => other.AsSpan().SequenceEqual(own)), $"The bits of the {what}");
    }

    private static Span<float> Floats(Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.bytes);

    // Of all sizes, so that the order of additions matters.
    private static double Term(int rank, int i) =>
        Math.ScaleB((rank * 7919L + i) * 0.6180339887498949 % 1 - 0.5, (rank * 3 + i) % 5 - 4);

    private static void TorchRuntimeLoaded() => MlNet.TorchRuntime.EnsureLoaded();
}
