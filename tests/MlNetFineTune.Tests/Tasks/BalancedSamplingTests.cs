using MlNetFineTune.Tasks;

namespace MlNetFineTune.Tests.Tasks;

[TestClass]
public sealed class BalancedSamplingTests
{
    /// <summary>90, 9 and 1 rows.</summary>
    private static readonly int[] s_classes = [.. Enumerable.Repeat(0, 90), .. Enumerable.Repeat(2, 9), 1];

    [TestMethod]
    public void AllClassesComeEquallyOftenInEveryEpoch()
    {
        var sampling = BalancedSampling.OfClasses(s_classes);
        var total = new int[3];
        for (var epoch = 0; epoch < 6; epoch++)
        {
            var order = sampling.Order(seed: 1, epoch);
            Assert.HasCount(100, order);
            foreach (var (index, count) in order.CountBy(row => s_classes[row]))
            {
                Assert.IsTrue(count is 33 or 34);
                total[index] += count;
            }
        }
        CollectionAssert.AreEqual(new[] { 200, 200, 200 }, total); // the place that is left over goes around
    }

    [TestMethod]
    public void EveryRowOfASmallClassComesInEveryEpochAboutEquallyOften()
    {
        var sampling = BalancedSampling.OfClasses(s_classes);
        for (var epoch = 0; epoch < 5; epoch++)
        {
            var ofSmall = sampling.Order(seed: 1, epoch).Where(row => s_classes[row] == 2);
            var times = ofSmall.CountBy(row => row).Select(count => count.Value).ToArray();
            Assert.HasCount(9, times); // 33 or 34 places: three rounds of nine, and some of a fourth
            Assert.IsTrue(times.All(count => count is 3 or 4));
        }
    }

    [TestMethod]
    public void NoRowOfALargeClassComesAgainBeforeAllOfItHaveCome()
    {
        var sampling = BalancedSampling.OfClasses(s_classes);
        var times = new int[90];
        for (var epoch = 0; epoch < 30; epoch++)
        {
            foreach (var row in sampling.Order(seed: 3, epoch).Where(row => row < 90))
                times[row]++;
            Assert.IsLessThanOrEqualTo(1, times.Max() - times.Min());
        }
        Assert.AreEqual(1000, times.Sum());
    }

    [TestMethod]
    public void EpochsSeedsAndRoundsAreShuffledAnewAndTheSameAgain()
    {
        var sampling = BalancedSampling.OfClasses(s_classes);
        CollectionAssert.AreEqual(sampling.Order(1, 4), BalancedSampling.OfClasses(s_classes).Order(1, 4));
        CollectionAssert.AreNotEqual(sampling.Order(1, 4), sampling.Order(1, 5));
        CollectionAssert.AreNotEqual(sampling.Order(1, 4), sampling.Order(2, 4));
        // Classes are mixed, not one after the other.
        var order = sampling.Order(1, 0);
        Assert.IsGreaterThan(40, order.Zip(order.Skip(1)).Count(pair => s_classes[pair.First] != s_classes[pair.Second]));
    }

    /// <summary>Fixed values, also computed in Python: a checkpoint of an older version resumes with the same rows.</summary>
    [TestMethod]
    public void TheOrderIsTheSameOnEveryMachineAndInEveryVersion() => Assert.AreEqual(
        "6 0 7 2 5 7 7 1", string.Join(' ', BalancedSampling.OfClasses([0, 0, 0, 0, 0, 1, 1, 2]).Order(seed: 42, epoch: 1)));

    [TestMethod]
    public void EqualClassesHaveEachOfTheirRowsOnceAnEpoch()
    {
        int[] classes = [0, 1, 2, 0, 1, 2];
        CollectionAssert.AreEquivalent(new[] { 0, 1, 2, 3, 4, 5 }, BalancedSampling.OfClasses(classes).Order(0, 7));
        CollectionAssert.AreEquivalent(new[] { 0, 1, 2 }, BalancedSampling.OfClasses([4, 4, 4]).Order(0, 7)); // one class alone
    }

    [TestMethod]
    public void FewerRowsThanClassesAndNoRows()
    {
        Assert.IsEmpty(BalancedSampling.OfClasses([]).Order(0, 0));
        Assert.IsEmpty(BalancedSampling.OfLabels([], 3).Order(0, 0));
        CollectionAssert.AreEquivalent(new[] { 0, 1 }, BalancedSampling.OfClasses([7, 3]).Order(0, 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => BalancedSampling.OfClasses([0, -1]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => BalancedSampling.OfClasses([0]).Order(0, -1));
        Assert.ThrowsExactly<ArgumentException>(() => BalancedSampling.OfLabels([true, false, true], 2));
    }

    [TestMethod]
    public void EveryLabelHasAtLeastItsShareAndRowsWithoutLabelsHaveTheirs()
    {
        // Of 60 rows 40 have the first label, 3 of them the second too, 20 none; no row has the third.
        var labels = new bool[60 * 3];
        for (var row = 0; row < 40; row++)
            labels[row * 3] = true;
        for (var row = 0; row < 3; row++)
            labels[row * 3 + 1] = true;
        var sampling = BalancedSampling.OfLabels(labels, 3);
        for (var epoch = 0; epoch < 4; epoch++)
        {
            var order = sampling.Order(5, epoch);
            Assert.HasCount(60, order);
            Assert.AreEqual(20, order.Count(row => row >= 40));
            Assert.IsGreaterThanOrEqualTo(20, order.Count(row => row < 3));
            CollectionAssert.IsSubsetOf(new[] { 0, 1, 2 }, order);
        }
    }
}
