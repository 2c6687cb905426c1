using MlNetFineTune.Tasks;

namespace MlNetFineTune.Tests.Reporting;

[TestClass]
public sealed class ThinningTests
{
    [TestMethod]
    public void ACurveKeepsThePointsThatItsDrawingCanTellApart()
    {
        // Far up within the first of 100,001 points, then slowly to the right: by index, the corner would be lost.
        (double X, double Y)[] points =
            [.. Enumerable.Range(0, 100_001).Select(i => (Math.Max(0, i - 50) / 99_950.0, Math.Min(1, i / 50.0)))];

        var curve = RankingCharts.Curve("", SeriesLook.First, points).Points;

        CollectionAssert.AreEqual(points[..51], curve.Take(51).ToArray());
        Assert.IsLessThan(500, curve.Count);
        Assert.AreEqual(points[^1], curve[^1]);
        Assert.IsTrue(points.All(point => curve.Any(kept =>
            Math.Abs(kept.X - point.X) <= 1.0 / 400 && Math.Abs(kept.Y - point.Y) <= 1.0 / 400)));
    }

    [TestMethod]
    public void PointsThatInterruptTheLineStay()
    {
        (double X, double Y)[] points = [(0, 0), (0.0001, 0), (double.NaN, 0), (0.0002, 0), (0.0003, 0)];

        CollectionAssert.AreEqual(
            new[] { points[0], points[2], points[3], points[4] }, points.ThinByDistance(0.01).ToArray());
        Assert.IsEmpty(Array.Empty<(double X, double Y)>().ThinByDistance(0.01));
    }
}
