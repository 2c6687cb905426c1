using MlNetFineTune.Primitives;

namespace MlNetFineTune.Tests.Primitives;

[TestClass]
public sealed class CountedBitsTests
{
    private const ulong Key = 0x1234_5678_9ABC_DEF0;

    private static readonly (uint, uint, uint) s_counter = (7, uint.MaxValue, 1u << 31);

    // Computed one by one: number i is a word of counter i % 8 of its 32 numbers.
    [TestMethod]
    [DataRow(0.1)]
    [DataRow(0.5)]
    [DataRow(0.999)]
    public void ALineIsThatOfPhilox(double probability)
    {
        var line = Filled(1000, probability);

        for (var i = 0; i < line.Length; i++)
        {
            var block = (uint)(i / 32 * 8 + i % 8);
            var (first, second, third, fourth) = CountedRandom.Philox(
                block, s_counter.Item1, s_counter.Item2, s_counter.Item3, unchecked((uint)Key), (uint)(Key >> 32));
            var word = (i % 32 / 8) switch { 0 => first, 1 => second, 2 => third, _ => fourth };
            Assert.AreEqual(word >= probability * 4294967296 ? 3 : 0, line[i], $"number {i}");
        }
    }

    /// <summary>What processors without AVX2 compute, on every processor.</summary>
    [TestMethod]
    [DataRow(0.1)]
    [DataRow(0.5)]
    public void NumbersOneByOneAreThoseOfEightAtATime(double probability)
    {
        var line = Filled(96, probability);
        var (numbers, limit) = (new float[96], (uint)Math.Round(probability * 4294967296));
        for (var i = 0; i < 3; i++)
            new CountedBits(Key).FillOneByOne(numbers.AsSpan(32 * i, 32), 8 * (uint)i, s_counter, limit, value: 3);
        CollectionAssert.AreEqual(line, numbers);
    }

    [TestMethod]
    public void AShorterLineIsTheBeginningOfALongerOne()
    {
        var longest = Filled(300, 0.5);
        foreach (var length in (int[])[0, 1, 7, 31, 32, 33, 64, 100])
            CollectionAssert.AreEqual(longest[..length], Filled(length, 0.5));
    }

    [TestMethod]
    public void ItsFractionIsTheProbability()
    {
        foreach (var probability in (double[])[0, 0.1, 0.25, 0.9])
        {
            var zeros = Filled(100_000, probability).Count(number => number == 0) / 100_000.0;
            Assert.AreEqual(probability, zeros, 4 * Math.Sqrt(probability * (1 - probability) / 100_000), $"{probability}");
        }
    }

    private static float[] Filled(int length, double probability)
    {
        var line = new float[length];
        new CountedBits(Key).Fill(line, s_counter, probability, value: 3);
        return line;
    }
}
