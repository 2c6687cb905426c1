using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Tests.Data;

[TestClass]
public sealed class HorizontalFlipTests
{
    [TestMethod]
    [DataRow(0f, 0.0)]
    [DataRow(0.2f, 0.02)]
    [DataRow(0.5f, 0.025)]
    [DataRow(1f, 0.0)]
    public void AsManyPicturesAreMirroredAsAskedFor(float probability, double tolerance)
    {
        var mirrored = Enumerable.Range(0, 10_000).Count(row =>
        {
            var plan = ImagePlan.Whole(10, 10, new ImagePreprocessing());
            var random = new CountedRandom(1, RandomStream.Augmentation, 1, row);
            new HorizontalFlip(probability).Apply(ref plan, ref random);
            return plan.Mirrored;
        });
        Assert.AreEqual(probability, mirrored / 10_000.0, tolerance + 1e-6);
    }

    [TestMethod]
    public void MirroringTwiceIsNothing()
    {
        var plan = ImagePlan.Whole(10, 10, new ImagePreprocessing());
        var random = new CountedRandom(1, RandomStream.Augmentation, 1, 0);
        Augmentation.Sequence(new HorizontalFlip(1), new HorizontalFlip(1)).Apply(ref plan, ref random);
        Assert.IsFalse(plan.Mirrored);
    }

    [TestMethod]
    [DataRow(-0.1f)]
    [DataRow(1.1f)]
    [DataRow(float.NaN)]
    public void WhatIsNoProbabilityIsRefused(float probability) =>
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new HorizontalFlip(probability)).Message,
            "between 0 and 1");
}
