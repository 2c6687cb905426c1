using MlNetFineTune.Data;

namespace MlNetFineTune.Tests.Data;

/// <summary>The draw of calibration rows does not look at the labels.</summary>
[TestClass]
public sealed class CalibrationSplitTests
{
    private static readonly int[] s_rows = [.. Enumerable.Range(0, 30).Select(row => 3 * row)];

    [TestMethod]
    public void EveryRowIsDrawnEquallyOften()
    {
        const int Seeds = 2000;
        var drawn = new int[s_rows.Length];
        for (var seed = 0; seed < Seeds; seed++)
        {
            var (selection, calibration) = CalibrationSplit.Split(s_rows, null, 0.4f, seed);
            Assert.HasCount(12, calibration);
            CollectionAssert.AreEqual(s_rows, selection.Concat(calibration).Order().ToArray());
            CollectionAssert.AreEqual(calibration.Order().ToArray(), calibration);
            foreach (var row in calibration)
                drawn[row / 3]++;
        }
        // Five standard deviations of a binomial number
        Assert.IsTrue(drawn.All(count => Math.Abs(count - 0.4 * Seeds) < 5 * Math.Sqrt(0.24 * Seeds)), string.Join(' ', drawn));
    }

    [TestMethod]
    public void GroupsStayTogetherAndAreDrawnEquallyOften()
    {
        const int Seeds = 2000;
        // 16 groups, of which the first has 15 rows and each other one
        string[] groups = [.. Enumerable.Range(0, 90).Select(row => row < 45 ? "large" : $"group {row / 3}")];
        var large = 0;
        for (var seed = 0; seed < Seeds; seed++)
        {
            var (selection, calibration) = CalibrationSplit.Split(s_rows, groups, 0.5f, seed);
            Assert.IsEmpty(selection.Select(row => groups[row]).Intersect(calibration.Select(row => groups[row])).ToArray());
            Assert.AreEqual(8, calibration.Select(row => groups[row]).Distinct().Count());
            large += calibration.Count(row => row < 45) / 15;
        }
        Assert.AreEqual(0.5 * Seeds, large, 5 * Math.Sqrt(0.25 * Seeds));
    }

    [TestMethod]
    public void TheSameSeedDrawsTheSameRows()
    {
        CollectionAssert.AreEqual(
            CalibrationSplit.Split(s_rows, null, 0.5f, 1).Calibration, CalibrationSplit.Split(s_rows, null, 0.5f, 1).Calibration);
        CollectionAssert.AreNotEqual(
            CalibrationSplit.Split(s_rows, null, 0.5f, 1).Calibration, CalibrationSplit.Split(s_rows, null, 0.5f, 2).Calibration);
    }
}
