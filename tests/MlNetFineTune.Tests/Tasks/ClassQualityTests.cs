using MlNetFineTune.Tasks;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>What the report says of each class, and of the probabilities.</summary>
[TestClass]
public sealed class ClassQualityTests
{
    [TestMethod]
    public void IntervalsAreThoseOfTheBinomialDistribution()
    {
        // 400 rows of class 0, of which 320 are right; 100 of class 1, of which 90 are.
        (int, int)[] rows = [.. Enumerable.Range(0, 500).Select(i => i < 400 ? (0, i < 320 ? 0 : 1) : (1, i < 490 ? 1 : 0))];

        var qualities = BootstrapIntervals.Of(rows, 3);

        Assert.AreEqual(400, qualities[0].Rows);
        Close(0.8, 400, qualities[0].Recall);
        Close(0.9, 100, qualities[1].Recall);
        Close(320 / 330.0, 330, qualities[0].Precision);
        Assert.AreEqual(2 * 320 / 730.0, qualities[0].F1.Value, 1e-12);
        Assert.IsTrue(qualities[0].F1.Low < qualities[0].F1.Value && qualities[0].F1.Value < qualities[0].F1.High);
        Assert.AreEqual((0, double.NaN), (qualities[2].Rows, qualities[2].F1.Value), "a class without rows, never predicted");
        CollectionAssert.AreEqual(qualities, BootstrapIntervals.Of(rows, 3), "random numbers are counted");

        // The normal approximation of the binomial's interval.
        static void Close(double share, int rows, EstimatedValue value)
        {
            var half = 1.96 * Math.Sqrt(share * (1 - share) / rows);
            Assert.AreEqual(share, value.Value, 1e-12);
            Assert.AreEqual(share - half, value.Low, half / 4);
            Assert.AreEqual(share + half, value.High, half / 4);
        }
    }

    [TestMethod]
    public void PointsOfTheReliabilityDiagramAreMeansOfBins()
    {
        JudgedPrediction[] predictions = [new(0, 0.91, true), new(0, 0.99, false), new(1, 0.55, true), new(1, 1, true), new(0, 0, false)];

        var points = ReliabilityDiagram.PointsOf(predictions);

        Assert.HasCount(3, points);
        Assert.AreEqual((0, 0, 1), points[0]);
        Assert.AreEqual((0.55, 1, 1), points[1]);
        Assert.AreEqual((0.91 + 0.99 + 1) / 3, points[2].Confidence, 1e-12);
        Assert.AreEqual((2 / 3.0, 3), (points[2].Accuracy, points[2].Rows));
        Assert.AreEqual(
            2, new[] { "Reliability", "calibration error" }.Count(part =>
                $"{ReliabilityDiagram.Of(predictions).Title} {((ReportBlock.Paragraph)ReliabilityDiagram.Of(predictions).Blocks[0]).Text}"
                    .Contains(part, StringComparison.Ordinal)));
    }
}
