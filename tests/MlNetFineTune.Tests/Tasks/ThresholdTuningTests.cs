using System.Text.Json;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>Thresholds and ranking metrics against scikit-learn's curves (tools/reference/metrics_fixture.py).</summary>
[TestClass]
public sealed class ThresholdTuningTests
{
    // Every row counts once: the case with weights is of no use.
    private static readonly JsonElement[] s_cases = [.. Fixture.Read("metrics.json").GetProperty("binary").EnumerateArray()
        .Where(rows => rows.GetProperty("weights").ValueKind == JsonValueKind.Null)];

    private static readonly Dictionary<string, DecisionThreshold> s_criteria = new(StringComparer.Ordinal)
    {
        ["f1"] = DecisionThreshold.F1,
        ["youden"] = DecisionThreshold.YoudenJ,
        ["accuracy"] = DecisionThreshold.Accuracy,
        ["precision"] = DecisionThreshold.Precision(0.7f),
        ["recall"] = DecisionThreshold.Recall(0.8f),
    };

    public static IEnumerable<object[]> Cases =>
        s_cases.SelectMany((_, index) => s_criteria.Keys.Select(name => new object[] { index, name }));

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void TheBestThresholdIsTheOneOfScikitLearnsCurve(int index, string criterion)
    {
        var (scores, labels) = RowsOf(s_cases[index]);
        var expected = s_cases[index].GetProperty(criterion);

        var tuned = ThresholdTuning.Of(s_criteria[criterion], scores, labels)!.Value;

        Assert.AreEqual(expected.Number("value"), tuned.Value, 1e-10);
        var last = (float)expected.Number("score");
        Assert.AreEqual(last, scores.Where(score => score > tuned.Threshold).Min(), "the last score that passes");
        if (scores.Where(score => score < last).DefaultIfEmpty(float.NaN).Max() is var next && !float.IsNaN(next))
            Assert.AreEqual((last + (double)next) / 2, tuned.Threshold, 1e-6, "midway");
        Verify(tuned, scores, labels);
    }

    [TestMethod]
    public void NoOtherThresholdIsBetter()
    {
        var random = new Random(11);
        for (var trial = 0; trial < 200; trial++)
        {
            var rows = random.Next(2, 15);
            float[] scores = [.. Enumerable.Range(0, rows).Select(_ => random.Next(6) / 4f)];
            bool[] labels = [.. Enumerable.Range(0, rows).Select(_ => random.Next(2) == 0)];
            foreach (var criterion in s_criteria.Values)
            {
                // The naive twin: every threshold that makes a difference, one by one.
                double?[] all = [.. scores.Append(-1).Select(threshold => criterion.ValueOf(CountsAt(threshold, scores, labels)))];
                var tuned = ThresholdTuning.Of(criterion, scores, labels);
                Assert.AreEqual(labels.Distinct().Count() < 2 ? null : all.Max(), tuned?.Value, criterion.ToString());
                if (tuned is { } found)
                    Verify(found, scores, labels);
            }
        }
    }

    [TestMethod]
    public void OfEquallyGoodThresholdsTheHighestIsTaken()
    {
        // F1 is 2/3 after the first row (recall 1/2) and after all four (precision 1/2).
        var tuned = ThresholdTuning.Of(DecisionThreshold.F1, [0.9f, 0.7f, 0.5f, 0.3f], [true, false, false, true])!.Value;
        Assert.AreEqual(0.8f, tuned.Threshold, 1e-6f);
        Assert.AreEqual(2 / 3.0, tuned.Value, 1e-15);
    }

    [TestMethod]
    public void RowsWithEqualScoresPassTogether()
    {
        // No threshold separates the two rows of 0.5: passing only one of them would give an F1 of 1.
        var tuned = ThresholdTuning.Of(DecisionThreshold.F1, [0.9f, 0.5f, 0.5f, 0.1f], [true, true, false, false])!.Value;
        Assert.AreEqual(new BinaryCounts(2, 1, 0, 1), tuned.Counts);
        Assert.AreEqual(0.3f, tuned.Threshold, 1e-6f);
        // All scores are equal: all pass, or none.
        tuned = ThresholdTuning.Of(DecisionThreshold.F1, [0.5f, 0.5f, 0.5f], [true, false, false])!.Value;
        Assert.AreEqual(float.BitDecrement(0.5f), tuned.Threshold);
        tuned = ThresholdTuning.Of(DecisionThreshold.Accuracy, [0.5f, 0.5f, 0.5f], [true, false, false])!.Value;
        Assert.AreEqual((0.5f, 2 / 3.0), (tuned.Threshold, tuned.Value)); // none is above 0.5
    }

    [TestMethod]
    public void NeighboursInTheFormatOfNumbersAreStillToldApart()
    {
        foreach (var low in new[] { 0.1f, 0f, -1e-45f, -3.4e38f, 1e30f })
        {
            var high = float.BitIncrement(low);
            var tuned = ThresholdTuning.Of(DecisionThreshold.F1, [low, high], [false, true])!.Value;
            Assert.IsTrue(low <= tuned.Threshold && tuned.Threshold < high);
        }
        Assert.AreEqual(3f, Between(3, float.PositiveInfinity));
        Assert.AreEqual(float.NegativeInfinity, Between(float.NegativeInfinity, 3));
        Assert.AreEqual(0, Between(float.MinValue, float.MaxValue)); // their distance is more than the greatest single

        static float Between(float no, float yes) =>
            ThresholdTuning.Of(DecisionThreshold.F1, [no, yes], [false, true])!.Value.Threshold;
    }

    [TestMethod]
    public void RowsOfOneKindAndTargetsOutOfReachTellNothing()
    {
        foreach (var criterion in s_criteria.Values)
        {
            Assert.IsNull(ThresholdTuning.Of(criterion, [], []));
            Assert.IsNull(ThresholdTuning.Of(criterion, [0.1f, 0.2f], [true, true]));
            Assert.IsNull(ThresholdTuning.Of(criterion, [0.1f, 0.2f], [false, false]));
            Assert.IsNull(ThresholdTuning.Of(criterion, [0.1f, float.NaN], [false, true]));
        }
        Assert.IsNull(ThresholdTuning.Of(DecisionThreshold.Precision(0.9f), [0.9f, 0.5f], [false, true]));
        Assert.IsNotNull(ThresholdTuning.Of(DecisionThreshold.Recall(1), [0.9f, 0.5f], [false, true])); // all pass
    }

    [TestMethod]
    public void ATargetIsMeantByItsDigits()
    {
        // The single nearest to 0.8 is above 0.8, so that eight of ten would not reach it; nor would six of ten reach 0.6.
        float[] scores = [.. Enumerable.Range(0, 20).Select(i => -i)];
        bool[] labels = [.. Enumerable.Range(0, 20).Select(i => i is < 4 or > 5 and < 10)];
        Assert.AreEqual(10, Passing(DecisionThreshold.Precision(0.8f)));
        labels = [.. Enumerable.Range(0, 20).Select(i => i is < 6 or > 15)];
        Assert.AreEqual(6, Passing(DecisionThreshold.Recall(0.6f)));

        int Passing(DecisionThreshold criterion) =>
            scores.Count(score => score > ThresholdTuning.Of(criterion, scores, labels)!.Value.Threshold);
    }

    [TestMethod]
    public void EachLabelHasAThresholdOfItsOwn()
    {
        // Three rows of three labels; the last label is in no row.
        float[] scores = [0.9f, 0.2f, 0.5f, 0.4f, 0.8f, 0.6f, 0.1f, 0.7f, 0.7f];
        bool[] labels = [true, false, false, true, true, false, false, false, false];
        var tuned = ThresholdTuning.OfEachLabel(DecisionThreshold.F1, scores, labels, 3);
        Assert.AreEqual(0.25f, tuned[0]!.Value.Threshold, 1e-6f);
        Assert.AreEqual(0.75f, tuned[1]!.Value.Threshold, 1e-6f);
        Assert.IsNull(tuned[2]);
        Assert.ThrowsExactly<ArgumentException>(() => ThresholdTuning.OfEachLabel(DecisionThreshold.F1, scores, labels, 2));
    }

    [TestMethod]
    public void ArgumentsThatDoNotFitAreRefused()
    {
        foreach (var target in new[] { 0, -0.1f, 1.1f, float.NaN })
        {
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => DecisionThreshold.Precision(target));
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => DecisionThreshold.Recall(target));
        }
        Assert.ThrowsExactly<ArgumentException>(() => ThresholdTuning.Of(DecisionThreshold.F1, [1, 2], [true]));
        Assert.HasCount(s_criteria.Count, s_criteria.Values.Select(CanonicalJson.Of).Distinct().ToArray());
        Assert.AreNotEqual(CanonicalJson.Of(DecisionThreshold.Recall(0.8f)), CanonicalJson.Of(DecisionThreshold.Recall(0.9f)));
        Culture.Each(_ => CollectionAssert.AreEqual(
            new[] { "F1", "YoudenJ", "Accuracy", "Precision(0.7)", "Recall(0.8)" },
            s_criteria.Values.Select(criterion => criterion.ToString()).ToArray()));
    }

    public static IEnumerable<object[]> Binary => s_cases.Select((_, index) => new object[] { index });

    [TestMethod]
    [DynamicData(nameof(Binary))]
    public void AreasUnderTheCurvesAreThoseOfScikitLearn(int index)
    {
        var (scores, labels) = RowsOf(s_cases[index]);
        var ranking = ScoreRanking.Of(scores, labels);
        Assert.AreEqual(s_cases[index].Number("rocAuc"), RankingMetrics.RocAuc(ranking), 1e-10);
        Assert.AreEqual(s_cases[index].Number("averagePrecision"), RankingMetrics.AveragePrecision(ranking), 1e-10);
    }

    [TestMethod]
    public void AreasOfRowsOfOneKindAndOfEqualScores()
    {
        Assert.AreEqual((double.NaN, double.NaN), Areas([], []));
        Assert.AreEqual((double.NaN, double.NaN), Areas([1, 2], [false, false]));
        Assert.AreEqual((double.NaN, 1), Areas([1, 2], [true, true]));
        Assert.AreEqual((0.5, 0.25), Areas([1, 1, 1, 1], [true, false, false, false]));
        Assert.AreEqual((1, 1), Areas([float.NaN, 2, 1], [true, true, false])); // without the row that has no score
        Assert.AreEqual((0, 0.5), Areas([2, 1], [false, true]));
        Assert.AreEqual((1, 1), Areas([0f, -0f, 1], [false, false, true]));

        static (double, double) Areas(float[] scores, bool[] labels)
        {
            var ranking = ScoreRanking.Of(scores, labels);
            return (RankingMetrics.RocAuc(ranking), RankingMetrics.AveragePrecision(ranking));
        }
    }

    [TestMethod]
    public void TheMeanOfPrecisionsLeavesOutLabelsThatNoRowHas()
    {
        Assert.AreEqual(0.75, RankingMetrics.MeanAveragePrecision([0.5, double.NaN, 1]));
        Assert.AreEqual(double.NaN, RankingMetrics.MeanAveragePrecision([double.NaN]));
        Assert.AreEqual(double.NaN, RankingMetrics.MeanAveragePrecision([]));
    }

    private static (float[] Scores, bool[] Labels) RowsOf(JsonElement rows) => (
        LossFixture.Floats(rows.GetProperty("scores")), [.. rows.GetProperty("labels").Numbers().Select(label => label > 0)]);

    private static void Verify(TunedThreshold tuned, float[] scores, bool[] labels) =>
        Assert.AreEqual(CountsAt(tuned.Threshold, scores, labels), tuned.Counts);

    private static BinaryCounts CountsAt(float threshold, float[] scores, bool[] labels)
    {
        return new(
            Count(row => scores[row] > threshold && labels[row]), Count(row => scores[row] > threshold && !labels[row]),
            Count(row => scores[row] <= threshold && labels[row]), Count(row => scores[row] <= threshold && !labels[row]));

        double Count(Func<int, bool> which) => Enumerable.Range(0, scores.Length).Count(which);
    }
}
