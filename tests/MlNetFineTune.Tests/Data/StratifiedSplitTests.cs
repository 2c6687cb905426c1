using MlNetFineTune.Data;

namespace MlNetFineTune.Tests.Data;

[TestClass]
public sealed class StratifiedSplitTests
{
    [TestMethod]
    public void EveryClassGivesItsShareAndEveryRowGoesOneWay()
    {
        // 100, 10, 3, 2 and 1 rows.
        var labels = new[] { 100, 10, 3, 2, 1 }.SelectMany((count, label) => Enumerable.Repeat(label, count)).ToArray();
        var (training, validation) = StratifiedSplit.Split(labels, null, 6, 0.2f, seed: 1);
        CollectionAssert.AreEqual(Enumerable.Range(0, labels.Length).ToArray(), training.Concat(validation).Order().ToArray());
        CollectionAssert.AreEqual(training.Order().ToArray(), training);
        CollectionAssert.AreEqual(new[] { 20, 2, 1, 1, 0 }, Enumerable.Range(0, 5).Select(c => validation.Count(row => labels[row] == c))
            .ToArray());

        CollectionAssert.AreEqual(validation, StratifiedSplit.Split(labels, null, 6, 0.2f, seed: 1).Validation);
        CollectionAssert.AreNotEqual(validation, StratifiedSplit.Split(labels, null, 6, 0.2f, seed: 2).Validation);
        Assert.AreEqual(4, StratifiedSplit.Split(labels, null, 6, 0.99f, seed: 1).Training.Count(row => labels[row] is 1 or 2 or 3) + 1,
            "one of each class of two or more stays");
    }

    [TestMethod]
    public void RowsOfAGroupStayTogetherAndTheSharesAreNear()
    {
        var labels = Enumerable.Range(0, 300).Select(row => row % 3).ToArray();
        var groups = Enumerable.Range(0, 300).Select(row => $"part {row / 6}").ToArray();
        var (training, validation) = StratifiedSplit.Split(labels, groups, 3, 0.2f, seed: 5);
        Assert.IsEmpty(training.Select(row => groups[row]).Intersect(validation.Select(row => groups[row])).ToArray());
        for (var c = 0; c < 3; c++)
            Assert.AreEqual(20, validation.Count(row => labels[row] == c), 2);
    }
}
