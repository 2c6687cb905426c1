using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Data;

[TestClass]
public sealed class GammaSamplingTests
{
    [TestMethod]
    public void BetaVariatesFollowTheirDistribution()
    {
        foreach (var expected in Fixture.Read("mixing.json").GetProperty("beta").EnumerateArray())
        {
            var (a, b) = (expected.Number("a"), expected.Number("b"));
            var draws = Enumerable.Range(0, 10_000).Select(batch => Draw(batch, (ref random) => random.NextBeta(a, b))).ToArray();
            var (points, cumulative) = (expected.GetProperty("points").Numbers(), expected.GetProperty("cumulative").Numbers());
            for (var i = 0; i < points.Length; i++)
                Assert.AreEqual(cumulative[i], draws.Count(v => v <= points[i]) / 10_000.0, EmpiricalDistribution.Limit(10_000),
                    $"Beta({a}, {b}) below {points[i]}");

            var variance = a * b / ((a + b) * (a + b) * (a + b + 1));
            Assert.AreEqual(a / (a + b), draws.Average(), 4 * Math.Sqrt(variance / draws.Length));
            Assert.AreEqual(variance, draws.Average(v => (v - a / (a + b)) * (v - a / (a + b))), 0.05 * variance);
        }
    }

    [TestMethod]
    [DataRow(0.2)]
    [DataRow(1.0)]
    [DataRow(5.5)]
    public void GammaVariatesHaveTheMeanAndVarianceOfTheirShape(double shape)
    {
        var draws = Enumerable.Range(0, 40_000)
            .Select(batch => Draw(batch, (ref random) => Math.Exp(random.NextLogGamma(shape)))).ToArray();

        // Both moments are the shape; the fourth central one is 3 k^2 + 6 k.
        Assert.AreEqual(shape, draws.Average(), 4 * Math.Sqrt(shape / draws.Length));
        Assert.AreEqual(shape, draws.Average(v => (v - shape) * (v - shape)),
            4 * Math.Sqrt((2 * shape * shape + 6 * shape) / draws.Length));
    }

    [TestMethod]
    public void TheSmallestShapesGiveNumbers()
    {
        // Both gammas are far below the least double here.
        var draws = Enumerable.Range(0, 1000).Select(batch => Draw(batch, (ref random) => random.NextBeta(1e-4, 1e-4))).ToArray();

        Assert.IsTrue(draws.All(v => v is >= 0 and <= 1));
        Assert.AreEqual(0.5, draws.Count(v => v > 0.5) / 1000.0, 0.06);
    }

    private delegate double Sample(ref CountedRandom random);

    private static double Draw(int batch, Sample sample)
    {
        var random = new CountedRandom(11, RandomStream.Mixing, epoch: 1, batch);
        return sample(ref random);
    }
}
