using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MlNetFineTune.Primitives;

/// <summary>
/// Long lines of counter-based random numbers: <see cref="CountedRandom"/>'s function, for eight counters at a time where the processor
/// has AVX2. The numbers are the same on every processor, and a longer line begins with the numbers of a shorter one.
/// </summary>
/// <param name="key">Key of all lines.</param>
internal readonly struct CountedBits(ulong key)
{
    // Numbers of eight counters, of four words each.
    private const int Together = 32, Blocks = 8, Words = 4, Rounds = 10;

    /// <summary>
    /// Sets each number of a line to 0 with the given probability, and otherwise to <paramref name="value"/>.
    /// </summary>
    /// <param name="line">The line.</param>
    /// <param name="counter">Three words that are different for each line.</param>
    /// <param name="probability">0 to 1, in steps of 2^-32.</param>
    /// <param name="value">The other value, above 0.</param>
    public void Fill(Span<float> line, (uint First, uint Second, uint Third) counter, double probability, float value)
    {
        var limit = (uint)Math.Min(Math.Round(probability * (1UL << 32)), uint.MaxValue);
        Span<float> last = stackalloc float[Together];
        var block = 0u;
        for (var i = 0; i < line.Length; i += Together, block += Blocks)
        {
            var rest = line[i..];
            if (rest.Length >= Together)
            {
                Fill(rest[..Together], block, counter, limit, value);
                continue;
            }
            Fill(last, block, counter, limit, value);
            last[..rest.Length].CopyTo(rest);
        }
    }

    // Number i is word i / 8 of counter block + i % 8.
    private void Fill(Span<float> numbers, uint block, (uint First, uint Second, uint Third) counter, uint limit, float value)
    {
        if (Avx2.IsSupported)
            FillEight(numbers, block, counter, limit, value);
        else
            FillOneByOne(numbers, block, counter, limit, value);
    }

    /// <summary>32 numbers without AVX2; internal, so that it is tested on every processor.</summary>
    internal void FillOneByOne(
        Span<float> numbers, uint block, (uint First, uint Second, uint Third) counter, uint limit, float value)
    {
        for (var i = 0u; i < Blocks; i++)
        {
            var (first, second, third, fourth) = CountedRandom.Philox(
                block + i, counter.First, counter.Second, counter.Third, (uint)key, (uint)(key >> 32));
            ReadOnlySpan<uint> words = [first, second, third, fourth];
            for (var word = 0; word < Words; word++)
                numbers[word * Blocks + (int)i] = words[word] >= limit ? value : 0;
        }
    }

    private void FillEight(Span<float> numbers, uint block, (uint First, uint Second, uint Third) counter, uint limit, float value)
    {
        var c0 = Vector256.Create(block) + Vector256<uint>.Indices;
        var (c1, c2, c3) = (Vector256.Create(counter.First), Vector256.Create(counter.Second), Vector256.Create(counter.Third));
        var (k0, k1) = ((uint)key, (uint)(key >> 32));
        var (m0, m1) = (Vector256.Create(CountedRandom.Multiplier0), Vector256.Create(CountedRandom.Multiplier1));
        for (var round = 0; round < Rounds; round++)
        {
            var (high0, low0) = Multiply(c0, m0);
            var (high1, low1) = Multiply(c2, m1);
            (c0, c1, c2, c3) = (high1 ^ c1 ^ Vector256.Create(k0), low1, high0 ^ c3 ^ Vector256.Create(k1), low0);
            k0 += CountedRandom.Step0;
            k1 += CountedRandom.Step1;
        }
        var (limits, values) = (Vector256.Create(limit), Vector256.Create(value));
        ref var begin = ref MemoryMarshal.GetReference(numbers);
        Kept(c0).StoreUnsafe(ref begin);
        Kept(c1).StoreUnsafe(ref begin, Blocks);
        Kept(c2).StoreUnsafe(ref begin, 2 * Blocks);
        Kept(c3).StoreUnsafe(ref begin, 3 * Blocks);

        Vector256<float> Kept(Vector256<uint> words) => Vector256.GreaterThanOrEqual(words, limits).AsSingle() & values;
    }

    // The 64-bit products of eight pairs, by halves.
    private static (Vector256<uint> High, Vector256<uint> Low) Multiply(Vector256<uint> a, Vector256<uint> b)
    {
        var even = Avx2.Multiply(a, b);
        var odd = Avx2.Multiply((a.AsUInt64() >>> 32).AsUInt32(), b);
        const byte OddLanes = 0b10101010;
        return (
            Avx2.Blend((even >>> 32).AsUInt32(), odd.AsUInt32(), OddLanes),
            Avx2.Blend(even.AsUInt32(), (odd << 32).AsUInt32(), OddLanes));
    }
}
