namespace MlNetFineTune.Tests.Scoring;

[TestClass]
public sealed class F1ScoresTests
{
    /// <summary>By hand: class 0 has 2*5/(6+7), class 1 2*3/(5+4), class 2 is never seen nor predicted and does not count in the mean;
    /// 8 of 11 are right.</summary>
    [TestMethod]
    public void F1IsTwiceTheHitsOverTrueAndPredicted()
    {
        var scores = F1Scores.Of([[5, 1, 0], [2, 3, 0], [0, 0, 0]]);
        CollectionAssert.AreEqual(new[] { 10 / 13.0, 6 / 9.0, 0 }, scores.PerClass.ToArray());
        Assert.AreEqual((10 / 13.0 + 6 / 9.0) / 2, scores.Macro, 1e-15); // as scikit-learn: over the classes that occur
        Assert.AreEqual(8 / 11.0, scores.Micro, 1e-15);
        Assert.AreEqual((6 * 10 / 13.0 + 5 * 6 / 9.0) / 11, scores.Weighted, 1e-15);
    }

    [TestMethod]
    public void ClassesWithoutRowsAndMatricesWithoutRowsAreZero()
    {
        CollectionAssert.AreEqual(new[] { 0.0, 0 }, F1Scores.Of([[0, 0], [0, 0]]).PerClass.ToArray());
        Assert.AreEqual((0.0, 0.0, 0.0), (F1Scores.Of([]).Macro, F1Scores.Of([]).Micro, F1Scores.Of([]).Weighted));
        // Missed always, predicted wrongly: precision and recall are both 0.
        Assert.AreEqual(0, F1Scores.Of([[0, 2], [0, 3]]).PerClass[0]);
    }
}
