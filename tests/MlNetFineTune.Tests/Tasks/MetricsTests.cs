using System.Text.Json;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>Metrics against scikit-learn's on worked examples (tools/reference/metrics_fixture.py).</summary>
[TestClass]
public sealed class MetricsTests
{
    private const double Tolerance = 1e-10; // the fixture has 12 digits

    private static readonly JsonElement s_fixture = Fixture.Read("metrics.json");

    public static IEnumerable<object[]> Two => [[0], [1]];

    [TestMethod]
    [DynamicData(nameof(Two))]
    public void PredictedLabelsAreJudgedAsByScikitLearn(int index)
    {
        var expected = s_fixture.GetProperty("multiLabel")[index];
        var (labels, predicted) = (Rows(expected, "labels"), Rows(expected, "predicted"));
        var counts = new MultiLabelCounts(labels[0].Length);
        for (var row = 0; row < labels.Length; row++)
            counts.Add(labels[row], predicted[row]);

        Assert.AreEqual(expected.Number("microF1"), counts.MicroF1, Tolerance);
        Assert.AreEqual(expected.Number("macroF1"), counts.MacroF1, Tolerance);
        Fixture.AreClose(expected.GetProperty("perLabelF1").Numbers(), counts.PerLabelF1, Tolerance, "F1");
        Assert.AreEqual(expected.Number("hammingLoss"), counts.HammingLoss, Tolerance);
        Assert.AreEqual(expected.Number("subsetAccuracy"), counts.SubsetAccuracy, Tolerance);
        Assert.AreEqual(labels.Length, counts.Rows);
        Assert.IsGreaterThan(0, counts.SubsetAccuracy);
    }

    [TestMethod]
    public void LabelsThatAreNeverThereAndRowsThatAreNone()
    {
        var counts = new MultiLabelCounts(2);
        Assert.AreEqual((0, 0, double.NaN, double.NaN, 0), All());
        counts.Add([true, false], [true, false]);
        Assert.AreEqual((1, 0.5, 0, 1, 1), All());
        Assert.ThrowsExactly<ArgumentException>(() => counts.Add([true], [true, false]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new MultiLabelCounts(0));

        (double, double, double, double, long) All() =>
            (counts.MicroF1, counts.MacroF1, counts.HammingLoss, counts.SubsetAccuracy, counts.Rows);
    }

    [TestMethod]
    [DynamicData(nameof(Two))]
    public void OrderedClassesAreJudgedAsByScikitLearn(int index)
    {
        var expected = s_fixture.GetProperty("ordinal")[index];
        var counts = new OrdinalCounts();
        foreach (var (label, predicted) in expected.GetProperty("labels").Numbers().Zip(expected.GetProperty("predicted").Numbers()))
            counts.Add((int)label, (int)predicted);

        Assert.AreEqual(expected.Number("quadraticWeightedKappa"), counts.QuadraticWeightedKappa, Tolerance);
        Assert.AreEqual(expected.Number("meanAbsoluteError"), counts.MeanAbsoluteError, Tolerance);
        Assert.AreEqual(expected.Number("accuracy"), counts.Accuracy, Tolerance);
    }

    [TestMethod]
    public void KappaOfOneClassOfChanceAndOfPerfection()
    {
        var nothing = new OrdinalCounts();
        Assert.AreEqual(
            (double.NaN, double.NaN, double.NaN), (nothing.QuadraticWeightedKappa, nothing.MeanAbsoluteError, nothing.Accuracy));
        Assert.AreEqual(double.NaN, Kappa((2, 2), (2, 2)));
        Assert.AreEqual(1, Kappa((0, 0), (3, 3)));
        Assert.AreEqual(0, Kappa((0, 0), (0, 1), (1, 0), (1, 1)));
        Assert.AreEqual(-1, Kappa((0, 1), (1, 0)));
        Assert.AreEqual(0, Kappa((0, 1), (1, 1))); // always the same answer is chance
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Kappa((-1, 0)));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Kappa((0, -1)));

        static double Kappa(params (int Label, int Predicted)[] rows)
        {
            var counts = new OrdinalCounts();
            foreach (var (label, predicted) in rows)
                counts.Add(label, predicted);
            return counts.QuadraticWeightedKappa;
        }
    }

    [TestMethod]
    public void NumbersAreJudgedAsByScikitLearn()
    {
        var expected = s_fixture.GetProperty("regression")[0]; // the other is of rows with weights
        var (labels, scores) = (expected.GetProperty("labels").Numbers(), expected.GetProperty("scores").Numbers());

        Assert.AreEqual(expected.Number("rSquared"), RegressionScores.RSquared(labels, scores), Tolerance);
        Assert.AreEqual(expected.Number("meanAbsoluteError"), RegressionScores.MeanAbsoluteError(labels, scores), Tolerance);
        Assert.AreEqual(expected.Number("rootMeanSquaredError"), RegressionScores.RootMeanSquaredError(labels, scores), Tolerance);
    }

    [TestMethod]
    public void NumbersThatAreConstantMissingOrNone()
    {
        Assert.AreEqual(1, RegressionScores.RSquared([5, 5], [5, 5]));
        Assert.AreEqual(0, RegressionScores.RSquared([5, 5], [5, 6]));
        Assert.AreEqual(double.NaN, RegressionScores.RSquared([5], [5]));
        Assert.AreEqual(double.NaN, RegressionScores.RSquared([5, 5], [5, double.NaN]));
        foreach (var metric in (Func<double[], double[], double>[])[
            (labels, scores) => RegressionScores.MeanAbsoluteError(labels, scores),
            (labels, scores) => RegressionScores.RootMeanSquaredError(labels, scores),
            (labels, scores) => RegressionScores.RSquared(labels, scores)])
        {
            Assert.AreEqual(double.NaN, metric([], []));
            Assert.AreEqual(double.NaN, metric([1, 2, double.NaN], [1, 2, 3]));
            Assert.AreEqual(double.NaN, metric([1, 2, 3], [1, 2, double.NaN]));
            Assert.ThrowsExactly<ArgumentException>(() => metric([1], [1, 2]));
        }
    }

    internal static bool[][] Rows(JsonElement example, string name) =>
        [.. example.GetProperty(name).EnumerateArray().Select(row => row.Numbers().Select(value => value > 0).ToArray())];
}
