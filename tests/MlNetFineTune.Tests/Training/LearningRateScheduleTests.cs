using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Training;

[TestClass]
public sealed class LearningRateScheduleTests
{
    [TestMethod]
    public void TheCosineWithWarmUpHasTheReferencesFactors()
    {
        var factors = Enumerable.Range(0, 20).Select(step => LearningRateSchedule.Cosine(0.2f).FactorAt(step, 20)).ToArray();
        Fixture.AreClose(Fixture.Read("training.json").GetProperty("factors").Numbers(), factors, 1e-8, "factor");
    }

    [TestMethod]
    public void WithoutWarmUpTheCosineBeginsAtOneIsHalfInTheMiddleAndEndsAtZero()
    {
        var cosine = LearningRateSchedule.Cosine(0);
        Assert.AreEqual((1.0, 0.5, 0.0), (cosine.FactorAt(0, 100), Math.Round(cosine.FactorAt(50, 100), 12), cosine.FactorAt(100, 100)));
        Assert.AreEqual(1, cosine.FactorAt(0, 1));
        Assert.AreEqual(1, LearningRateSchedule.Constant.FactorAt(99, 100));
    }

    [TestMethod]
    [DataRow(-0.1f)]
    [DataRow(1f)]
    [DataRow(float.NaN)]
    public void AWarmUpThatIsNoShareIsRefused(float warmup) =>
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => LearningRateSchedule.Cosine(warmup)).Message, "at least 0 and below 1");
}
