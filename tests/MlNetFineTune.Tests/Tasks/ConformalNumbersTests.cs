using System.Text.Json;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using static MlNetFineTune.ConformalPrediction;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>Quantiles, sets and novelties against NumPy (tools/reference/conformal_fixture.py), and the guarantee over resplits.</summary>
[TestClass]
public sealed class ConformalNumbersTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("conformal.json");

    public static IEnumerable<object[]> Cases =>
        Enumerable.Range(0, s_fixture.GetProperty("cases").GetArrayLength()).Select(index => new object[] { index });

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void QuantilesAndSetsAreTheReferences(int index)
    {
        var expected = s_fixture.GetProperty("cases")[index];
        var options = OptionsOf(expected);

        var sets = ConformalSets.Fit(options, Rows("calibration"), LabelsOf(s_fixture), classes: 5);

        double?[] quantiles = [.. expected.GetProperty("quantiles").EnumerateArray()
            .Select(value => value.ValueKind == JsonValueKind.Null ? (double?)null : value.GetDouble())];
        Assert.HasCount(quantiles.Length, sets.Quantiles);
        foreach (var (wanted, actual) in quantiles.Zip(sets.Quantiles))
        {
            if (wanted is { } number)
                Assert.AreEqual(number, actual, 1e-6);
            else
                Assert.AreEqual(float.PositiveInfinity, actual);
        }
        foreach (var (row, probabilities) in Rows("test").Index())
        {
            var set = sets.Of(probabilities);
            CollectionAssert.AreEqual(
                expected.GetProperty("sets")[row].Numbers(), set.Order().Select(c => (double)c).ToArray(), $"row {row}");
            CollectionAssert.AreEqual(set.OrderByDescending(c => probabilities[c]).ToArray(), set, $"row {row}: the most probable first");
        }
    }

    [TestMethod]
    public void NoveltiesAreTheReferences()
    {
        float[][] known = Rows("features"), test = Rows("testFeatures");
        foreach (var expected in s_fixture.GetProperty("novelty").EnumerateArray())
        {
            var neighbors = expected.GetProperty("neighbors").GetInt32();
            var nearest = NearestNeighbors.Of(known, neighbors);
            Fixture.AreClose(
                expected.GetProperty("distances").Numbers(), [.. test.Select(row => (double)nearest.DistanceOf(row))], 1e-6,
                $"{neighbors} neighbours");

            var again = NearestNeighbors.OfBytes(nearest.ToBytes(), nearest.Rows, nearest.Features, neighbors);
            CollectionAssert.AreEqual(
                test.Select(row => nearest.DistanceOf(row)).ToArray(), test.Select(row => again.DistanceOf(row)).ToArray());
        }
        var one = NearestNeighbors.Of(known, 1);
        Assert.AreEqual(1, one.DistanceOf(new float[7]), "features of zero have no direction");
        Assert.IsTrue(float.IsNaN(one.DistanceOf([float.NaN, 1, 1, 1, 1, 1, 1])));
        foreach (var scale in (float[])[1e-25f, 1e25f])
            Assert.AreEqual(one.DistanceOf(test[0]), one.DistanceOf([.. test[0].Select(x => x * scale)]), 1e-6, "squares out of range");
        Assert.AreEqual(40, NearestNeighbors.Of(known, 100).Neighbors, "no more neighbours than rows");
        Assert.Throws<ArgumentException>(() => NearestNeighbors.OfBytes(new byte[4 * 7], 2, 7, 1));
        Assert.Throws<ArgumentException>(() => NearestNeighbors.OfBytes(BitConverter.GetBytes(2f), 1, 1, 1));
    }

    [TestMethod]
    [DataRow(0.95f, 19)]
    [DataRow(0.9f, 9)]
    [DataRow(0.99f, 99)]
    [DataRow(0.8f, 4)]
    [DataRow(0.7f, 3)]
    [DataRow(0.5f, 1)]
    public void TheQuantileNeedsSoManyRows(float coverage, int needed)
    {
        Assert.AreEqual(needed, ConformalQuantile.RowsNeeded(coverage));
        float[] scores = [.. Enumerable.Range(1, needed).Select(i => (float)i)];
        Assert.AreEqual(needed, ConformalQuantile.Of(scores, coverage), "the largest of just enough rows");
        Assert.AreEqual(float.PositiveInfinity, ConformalQuantile.Of(scores.Skip(1), coverage));
        Assert.AreEqual(float.PositiveInfinity, ConformalQuantile.Of(scores.Skip(1).Append(float.NaN), coverage), "NaN is the worst");
    }

    [TestMethod]
    public void AmongEqualProbabilitiesTheLowerIndexComesFirstAndNaNHasAnEmptySet()
    {
        var sets = new ConformalSets(NonconformityScore.Adaptive, [0.25f]);
        CollectionAssert.AreEqual(new[] { 0, 1 }, sets.Of([0.25f, 0.25f, 0.25f, 0.25f]));
        CollectionAssert.AreEqual(new[] { 2 }, sets.Of([0.25f, 0.25f, 0.5f, 0]));
        foreach (var score in (NonconformityScore[])[NonconformityScore.LeastAmbiguous, NonconformityScore.Adaptive])
            Assert.IsEmpty(new ConformalSets(score, [1]).Of([float.NaN, float.NaN]));
    }

    /// <summary>
    /// Of m test rows the number that are covered after a random split with n calibration rows has the beta-binomial distribution, whatever
    /// the network: the probabilities here are of a bad, overconfident one.
    /// </summary>
    [TestMethod]
    [DataRow("LeastAmbiguous", false)]
    [DataRow("Adaptive", false)]
    [DataRow("RegularizedAdaptive", false)]
    [DataRow("LeastAmbiguous", true)]
    [DataRow("Adaptive", true)]
    public void OverResplitsTheCoverageIsTheBetaBinomials(string name, bool byClass)
    {
        const int Splits = 200, Calibration = 120, Classes = 3;
        var options = new ConformalPrediction
        {
            Coverage = 0.9f,
            ClassConditional = byClass,
            Score = name switch
            {
                "LeastAmbiguous" => NonconformityScore.LeastAmbiguous,
                "Adaptive" => NonconformityScore.Adaptive,
                _ => NonconformityScore.RegularizedAdaptive(),
            },
        };
        var random = new Random(1);
        var labels = Enumerable.Range(0, 400).Select(row => row % Classes).ToArray();
        var rows = labels.Select(label => Overconfident(random, label)).ToArray();
        var coverages = new List<double>[Classes + 1].Select(_ => new List<double>()).ToArray();
        foreach (var _ in Enumerable.Range(0, Splits))
        {
            int[] order = [.. Enumerable.Range(0, rows.Length)];
            random.Shuffle(order);
            var (known, test) = (order[..Calibration], order[Calibration..]);
            var sets = ConformalSets.Fit(options, [.. known.Select(row => rows[row])], [.. known.Select(row => labels[row])], Classes);
            var covered = test.Select(row => (labels[row], Is: sets.Of(rows[row]).Contains(labels[row]))).ToArray();
            coverages[Classes].Add(covered.Average(row => row.Is ? 1.0 : 0));
            for (var c = 0; c < Classes; c++)
                coverages[c].Add(covered.Where(row => row.Item1 == c).Average(row => row.Is ? 1.0 : 0));
        }

        AssertBand(coverages[Classes], byClass ? Calibration / Classes : Calibration, byClass ? 3 : 1, "all rows");
        for (var c = 0; c < Classes && byClass; c++)
            AssertBand(coverages[c], Calibration / Classes, 1, $"class {c}");

        // Ties (adaptive: the top class has score 0) only raise it. The mean of 200 splits within four standard errors.
        void AssertBand(IReadOnlyList<double> found, int calibration, int parts, string what)
        {
            var (r, n) = (ConformalQuantile.RankOf(calibration, 0.9f), calibration);
            var expected = (double)r / (n + 1);
            var variance = expected * (1 - expected);
            var deviation = Math.Sqrt(variance / (n + 2) / parts + variance / (280.0 / (byClass ? 3 : 1)));
            var error = 4 * deviation / Math.Sqrt(Splits) + (byClass ? 0.01 : 0); // the calibration rows of a class vary in number
            var mean = found.Average();
            Assert.IsGreaterThan(expected - error, mean, $"{what}: {mean}");
            if (name == "LeastAmbiguous")
                Assert.IsLessThan(expected + error, mean, $"{what}: {mean}");
            var (low, high) = CoverageSpread.Of(n, 0.9f);
            Assert.IsGreaterThan(Splits * 0.75, found.Count(coverage => coverage > low - 2 * deviation), what);
            Assert.IsGreaterThan(expected, high);
        }
    }

    [TestMethod]
    public void TheSpreadIsThatOfTheBetaDistribution()
    {
        // scipy.stats.beta(96, 5).ppf([0.05, 0.95]), beta(19, 1), beta(451, 50)
        AssertIs((0.9108037, 0.9800944), CoverageSpread.Of(100, 0.95f));
        AssertIs((0.8541315, 0.9973040), CoverageSpread.Of(19, 0.95f));
        AssertIs((0.8773207, 0.9212614), CoverageSpread.Of(500, 0.9f));
        // The interval of 19 in 20 by the formula of Wilson, in Python
        AssertIs((0.7638688, 0.9911186), CoverageSpread.Wilson(19, 20));

        static void AssertIs((double Low, double High) expected, (double Low, double High) actual)
        {
            Assert.AreEqual(expected.Low, actual.Low, 1e-6);
            Assert.AreEqual(expected.High, actual.High, 1e-6);
        }
    }

    [TestMethod]
    public void ValuesOutOfRangeAreRefusedWhereTheyAreSaid()
    {
        foreach (var coverage in (float[])[0, 1, float.NaN, 9e-7f, 0.9999995f])
            Refuses(() => new ConformalPrediction { Coverage = coverage }, "The coverage must be from 1e-6 to 1 - 1e-6.");
        foreach (var coverage in (float[])[1e-6f, 0.999999f])
            Assert.AreEqual(coverage, new ConformalPrediction { Coverage = coverage }.Coverage);
        foreach (var fraction in (float[])[-0.1f, 1, float.NaN])
            Refuses(() => new ConformalPrediction { CalibrationFraction = fraction }, "at least 0 and below 1");
        Refuses(() => NoveltyScore.NearestNeighbors(0), "neighbors");
        Refuses(() => NoveltyScore.NearestNeighbors(rows: 0), "rows");
        Refuses(() => NoveltyScore.NearestNeighbors(rows: 100_001), "rows");
        Refuses(() => NoveltyScore.NearestNeighbors(falseAlarmRate: 1), "The rate of false alarms must be from 1e-6 to 1 - 1e-6.");
        Refuses(() => NonconformityScore.RegularizedAdaptive(-1), "penalty");
        Refuses(() => NonconformityScore.RegularizedAdaptive(float.PositiveInfinity), "The penalty must be a finite number.");
        Refuses(() => NonconformityScore.RegularizedAdaptive(freeRanks: 0), "freeRanks");

        static void Refuses(Func<object> make, string message) =>
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => make()).Message, message);
    }

    [TestMethod]
    public void TheDefaultsAreTheDocumentedOnes() => Assert.AreEqual(
        "ConformalPrediction { Coverage = 0.95, Score = LeastAmbiguous, ClassConditional = False, CalibrationFraction = 0.5, "
        + "Novelty = NearestNeighbors(neighbors: 5, rows: 1000, falseAlarmRate: 0.05), PredictedLabelsColumnName = PredictedLabels, "
        + "NoveltyColumnName = Novelty, RejectedColumnName = Rejected }", new ConformalPrediction().ToString());

    // Right in two of three rows, and sure in most.
    private static float[] Overconfident(Random random, int label)
    {
        var peak = random.NextDouble() < 0.67 ? label : random.Next(3);
        double[] logits = [.. Enumerable.Range(0, 3).Select(c => 2 * random.NextDouble() + (c == peak ? 6 * random.NextDouble() : 0))];
        return [.. TemperatureScaling.Softmax(logits, 1).Select(p => (float)p)];
    }

    private static ConformalPrediction OptionsOf(JsonElement expected) => new()
    {
        Coverage = float.Parse(expected.Text("coverage"), System.Globalization.CultureInfo.InvariantCulture),
        ClassConditional = expected.GetProperty("byClass").GetBoolean(),
        Score = expected.Text("kind") == "LeastAmbiguous"
            ? NonconformityScore.LeastAmbiguous
            : NonconformityScore.RegularizedAdaptive((float)expected.Number("penalty"), expected.GetProperty("free").GetInt32()),
    };

    private static int[] LabelsOf(JsonElement fixture) =>
        [.. fixture.GetProperty("labels").EnumerateArray().Select(label => label.GetInt32())];

    private static float[][] Rows(string name) =>
        [.. s_fixture.GetProperty(name).EnumerateArray().Select(row => row.Numbers().Select(value => (float)value).ToArray())];
}
