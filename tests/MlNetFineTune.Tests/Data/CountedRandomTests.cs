using MlNetFineTune.Primitives;

namespace MlNetFineTune.Tests.Data;

[TestClass]
public sealed class CountedRandomTests
{
    /// <summary>kat_vectors of Random123 (Salmon et al. 2011), "philox4x32 10": counter, key, result.</summary>
    [TestMethod]
    [DataRow(new[] { 0u, 0u, 0u, 0u }, new[] { 0u, 0u }, new[] { 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u })]
    [DataRow(new[] { ~0u, ~0u, ~0u, ~0u }, new[] { ~0u, ~0u }, new[] { 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu })]
    [DataRow(new[] { 0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u }, new[] { 0xa4093822u, 0x299f31d0u },
        new[] { 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u })]
    public void PhiloxGivesTheKnownAnswersOfItsAuthors(uint[] counter, uint[] key, uint[] expected)
    {
        var (a, b, c, d) = CountedRandom.Philox(counter[0], counter[1], counter[2], counter[3], key[0], key[1]);
        CollectionAssert.AreEqual(expected, new[] { a, b, c, d });
    }

    [TestMethod]
    public void NumbersAreTheBlocksOfSeedPurposeEpochAndRow()
    {
        var random = new CountedRandom(seed: 0x0123_4567_89AB_CDEF, RandomStream.Augmentation, epoch: 5, ordinal: 7);
        for (var block = 0u; block < 3; block++)
        {
            var (a, b, c, d) = CountedRandom.Philox(block, 7, 5, RandomStream.Augmentation.Id, 0x89AB_CDEF, 0x0123_4567);
            CollectionAssert.AreEqual(new[] { a, b, c, d },
                new[] { random.NextUInt32(), random.NextUInt32(), random.NextUInt32(), random.NextUInt32() });
        }
    }

    [TestMethod]
    [DataRow(2)]
    [DataRow(7)]
    [DataRow(10)]
    [DataRow(64)]
    public void IntegersAreEvenlySpread(int bound)
    {
        const int perValue = 5000;
        var random = new CountedRandom(3, RandomStream.Shuffle, 0, bound);
        var counts = new int[bound];
        for (var i = 0; i < perValue * bound; i++)
            counts[random.NextInt(bound)]++;

        // Chi-square of bound - 1 degrees of freedom: mean n, variance 2 n; five deviations is beyond one in a million.
        var chiSquare = counts.Sum(count => (count - perValue) * (double)(count - perValue) / perValue);
        Assert.IsLessThan(bound - 1 + 5 * Math.Sqrt(2.0 * bound), chiSquare);
    }

    [TestMethod]
    public void ABoundThatDoesNotDivideTheRangeIsNotBiased()
    {
        // Three quarters of 2^32 would give every third value twice the chance, if the draw were only scaled.
        const int bound = 3 << 29;
        var random = new CountedRandom(1, RandomStream.Shuffle, 0, 0);
        var counts = new double[3];
        const int draws = 60_000;
        for (var i = 0; i < draws; i++)
            counts[random.NextInt(bound) % 3]++;
        foreach (var count in counts)
            Assert.AreEqual(1.0 / 3, count / draws, 0.01);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new CountedRandom(1, RandomStream.Shuffle, 0, 0).NextInt(0));
    }

    [TestMethod]
    public void FractionsLieInTheirRangeAndAreUniform()
    {
        var random = new CountedRandom(2, RandomStream.Split, 0, 0);
        var values = Enumerable.Range(0, 20_000).Select(_ => random.NextDouble()).Order().ToArray();
        Assert.IsTrue(values[0] >= 0 && values[^1] < 1);
        // Kolmogorov-Smirnov at one in a million: 2.7 / sqrt(n).
        Assert.IsLessThan(2.7 / Math.Sqrt(values.Length), values.Select((v, i) => Math.Abs(v - (i + 0.5) / values.Length)).Max());

        var between = Enumerable.Range(0, 1000).Select(_ => random.NextDouble(-3, 5)).ToArray();
        Assert.IsTrue(between.All(v => v is >= -3 and < 5) && between.Min() < -2.9 && between.Max() > 4.9);
    }

    [TestMethod]
    public void NormalsHaveTheMomentsOfANormal()
    {
        var random = new CountedRandom(2, RandomStream.Split, 1, 0);
        var values = Enumerable.Range(0, 50_000).Select(_ => random.NextNormal()).ToArray();
        Assert.AreEqual(0, values.Average(), 0.02);
        Assert.AreEqual(1, values.Average(v => v * v), 0.03);
        Assert.AreEqual(0, values.Average(v => v * v * v), 0.08);
        Assert.AreEqual(3, values.Average(v => v * v * v * v), 0.25);
    }

    [TestMethod]
    public void AnythingThatDiffersInSeedPurposeEpochOrRowGivesOtherNumbers()
    {
        CountedRandom[] randoms =
        [
            new(0, RandomStream.Shuffle, 0, 0), new(1, RandomStream.Shuffle, 0, 0), new(1L << 32, RandomStream.Shuffle, 0, 0),
            new(-1, RandomStream.Shuffle, 0, 0),
            new(0, RandomStream.Split, 0, 0), new(0, RandomStream.Augmentation, 0, 0), new(0, RandomStream.WeightsOf("a"), 0, 0),
            new(0, RandomStream.WeightsOf("b"), 0, 0),
            new(0, RandomStream.Shuffle, 1, 0), new(0, RandomStream.Shuffle, 0, 1),
        ];
        var numbers = randoms.SelectMany(random => Enumerable.Range(0, 100).Select(_ => random.NextUInt32())).ToArray();
        Assert.HasCount(numbers.Length, numbers.Distinct().ToArray());

        var again = new CountedRandom(0, RandomStream.Shuffle, 0, 0);
        Assert.AreEqual(numbers[0], again.NextUInt32());
    }

    [TestMethod]
    public void ShufflingIsAPermutationAndEveryPlaceIsEquallyLikely()
    {
        var first = new int[5, 5];
        for (var trial = 0; trial < 10_000; trial++)
        {
            int[] items = [0, 1, 2, 3, 4];
            new CountedRandom(0, RandomStream.Shuffle, 1, trial).Shuffle(items);
            CollectionAssert.AreEquivalent(new[] { 0, 1, 2, 3, 4 }, items);
            for (var place = 0; place < 5; place++)
                first[items[place], place]++;
        }

        foreach (var count in first)
            Assert.AreEqual(2000, count, 200); // five deviations
    }
}
