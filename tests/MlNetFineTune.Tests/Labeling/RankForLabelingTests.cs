using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Labeling;

[TestClass]
public sealed class RankForLabelingTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("labeling.json");

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    [DataRow("coreSet", true)]
    [DataRow("withoutLabeled", false)]
    public void ACoreSetIsThatOfTheBruteForce(string name, bool withLabeled)
    {
        var expected = s_fixture.GetProperty(name);
        var rows = Ints(expected.GetProperty("rows"));

        var ranked = _ml.FineTuning.RankForLabeling(
            Pool(), rows.Length, LabelingStrategy.CoreSet(), withLabeled ? Labeled() : null);

        CollectionAssert.AreEqual(rows.Select(Key).ToList(), ranked.Select(row => row.Key).ToList());
        Fixture.AreClose(
            expected.GetProperty("distances").Numbers(), [.. ranked.Select(row => (double)row.Score)], 1e-6, "cosine distance");
        var labeled = withLabeled ? s_fixture.GetProperty("labeled").GetArrayLength() : 0;
        foreach (var (nearest, row) in Ints(expected.GetProperty("nearest")).Zip(ranked))
        {
            Assert.Contains(
                nearest < 0 ? "no row is labelled yet"
                : nearest < labeled ? $"'labelled {nearest}', the nearest row that is labelled"
                : $"'{Key(rows[nearest - labeled])}', the nearest row that is ranked before it", row.Reason);
        }
    }

    [TestMethod]
    public void MarginsAreThoseOfTheReferenceAndEqualOnesKeepTheOrderOfTheData()
    {
        var expected = s_fixture.GetProperty("margin");
        var rows = Ints(expected.GetProperty("rows"));
        Assert.AreEqual(1, Array.IndexOf(rows, 20) - Array.IndexOf(rows, 7), "two rows have the same scores");

        var ranked = _ml.FineTuning.RankForLabeling(Pool(), 1000, LabelingStrategy.Margin());

        CollectionAssert.AreEqual(rows.Select(Key).ToList(), ranked.Select(row => row.Key).ToList());
        Fixture.AreClose(expected.GetProperty("margins").Numbers(), [.. ranked.Select(row => (double)row.Score)], 1e-6, "margin");
    }

    [TestMethod]
    public void DiverseMarginIsTheCoreSetOfTheSmallestMargins()
    {
        var expected = Ints(s_fixture.GetProperty("diverse").GetProperty("rows"));

        var ranked = _ml.FineTuning.RankForLabeling(Pool(), expected.Length, LabelingStrategy.DiverseMargin(candidates: 3), Labeled());

        CollectionAssert.AreEqual(expected.Select(Key).ToList(), ranked.Select(row => row.Key).ToList());
        Assert.Contains("cosine distance", ranked[0].Reason);
    }

    [TestMethod]
    public void ManyRowsOnAllCoresAreRankedAsByPlainArithmetic()
    {
        var random = new Random(3);
        var vectors = Enumerable.Range(0, 3000).Select(_ => Vector(random, 512)).ToArray();
        var pool = View(vectors, [], Key);

        var ranked = _ml.FineTuning.RankForLabeling(pool, 6, LabelingStrategy.CoreSet(), View(vectors[..1], [], row => $"labelled {row}"));

        var centers = new List<float[]> { vectors[0] };
        foreach (var row in ranked)
        {
            var distances = vectors.Select(vector => centers.Min(center => 1 - Cosine(vector, center))).ToArray();
            Assert.AreEqual(distances.Max(), distances[Index(row.Key)], 1e-5);
            Assert.AreEqual(distances.Max(), row.Score, 1e-5);
            centers.Add(vectors[Index(row.Key)]);
        }
        var again = _ml.FineTuning.RankForLabeling(pool, 6, LabelingStrategy.CoreSet(), View(vectors[..1], [], row => $"labelled {row}"));
        CollectionAssert.AreEqual(ranked.ToList(), again.ToList());
    }

    [TestMethod]
    public void OfEquallyDistantRowsTheFirstComesFirst()
    {
        var pool = View([[0, 1], [0, -1], [0, 2], [0, -2]], [], Key);

        var ranked = _ml.FineTuning.RankForLabeling(pool, 9, LabelingStrategy.CoreSet(), View([[1, 0]], [], row => $"labelled {row}"));

        CollectionAssert.AreEqual(new[] { Key(0), Key(1), Key(2), Key(3) }, ranked.Select(row => row.Key).ToList());
        CollectionAssert.AreEqual(new[] { 1f, 1, 0, 0 }, ranked.Select(row => row.Score).ToList());
    }

    [TestMethod]
    public void RowsThatAreLabelledAreLeftOutOfThePool()
    {
        var pool = View([[1, 0], [0, 1], [-1, 0]], [[0.5f, 0.5f], [0.6f, 0.4f], [0.9f, 0.1f]], Key);

        var ranked = _ml.FineTuning.RankForLabeling(pool, 9, LabelingStrategy.Margin(), _ml.Data.TakeRows(pool, 1));
        Assert.AreEqual($"{Key(1)},{Key(2)}", string.Join(",", ranked.Select(row => row.Key)));
        ranked = _ml.FineTuning.RankForLabeling(pool, 9, LabelingStrategy.CoreSet(), _ml.Data.TakeRows(pool, 1));
        Assert.AreEqual($"{Key(2)},{Key(1)}", string.Join(",", ranked.Select(row => row.Key)));
        Assert.IsEmpty(_ml.FineTuning.RankForLabeling(pool, 9, LabelingStrategy.DiverseMargin(), pool));
    }

    [TestMethod]
    public void ALabelledRowWithoutFeaturesLeavesThePoolToo()
    {
        var pool = View([[1, 0], [0, 1], [-1, 0]], [], Key);

        var ranked = _ml.FineTuning.RankForLabeling(pool, 9, LabelingStrategy.CoreSet(), View([[float.NaN, 0], [0, 1]], [], Key));

        Assert.AreEqual(Key(2), ranked.Single().Key);
    }

    [TestMethod]
    public void AScoreThatIsNoProbabilityIsRefusedByItsAnnotation()
    {
        var rows = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 20).Select(row =>
            new Known { ImagePath = Key(row), Features = [row % 2, 1], IsYes = row % 2 == 0, Number = 0.5f }).ToArray());
        var scored = _ml.BinaryClassification.Trainers.SdcaLogisticRegression("IsYes").Fit(rows).Transform(rows);
        var numbers = _ml.Regression.Trainers.Sdca("Number").Fit(rows).Transform(rows);

        Assert.HasCount(2, Rank(scored, LabelingStrategy.Margin("Probability")));
        foreach (var data in (IDataView[])[scored, numbers])
        {
            Assert.Contains("'Score' has scores of a model", Assert.ThrowsExactly<InvalidOperationException>(
                () => Rank(data, LabelingStrategy.Margin())).Message);
        }
    }

    [TestMethod]
    public void AReasonNamesTheClassesAndIsTheSameInEveryCulture()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var photos = SmallPictures.View(_ml, SmallPictures.Take(3, skip: 20));

        var ranked = Culture.In("de-DE", () => _ml.FineTuning.RankForLabeling(model.Transform(photos), 9, LabelingStrategy.Margin()));

        Assert.HasCount(9, ranked);
        foreach (var (path, scores) in photos.GetColumn<string>("ImagePath").Zip(SmallTraining.Scores(model.Transform(photos))))
        {
            var row = ranked.Single(row => row.Key == path);
            var order = Enumerable.Range(0, 3).OrderByDescending(c => scores[c]).ToArray();
            Assert.AreEqual(scores[order[0]] - scores[order[1]], row.Score);
            Assert.AreEqual(
                FormattableString.Invariant($"{SmallPictures.Classes[order[0]]} {scores[order[0]]:0.000}, ")
                    + FormattableString.Invariant($"{SmallPictures.Classes[order[1]]} {scores[order[1]]:0.000}"), row.Reason);
        }
    }

    [TestMethod]
    public void AProbabilityOfTwoClassesHasAMarginToo()
    {
        var pool = _ml.Data.LoadFromEnumerable(
            new[] { 0.9f, 0.45f, 0.2f }.Select((probability, row) => new Binary { ImagePath = Key(row), Probability = probability }));

        var ranked = _ml.FineTuning.RankForLabeling(pool, 2, LabelingStrategy.Margin("Probability"));

        CollectionAssert.AreEqual(new[] { Key(1), Key(2) }, ranked.Select(row => row.Key).ToList());
        Assert.AreEqual(0.1f, ranked[0].Score, 1e-6f);
        Assert.AreEqual("false 0.550, true 0.450", ranked[0].Reason);
    }

    [TestMethod]
    public void RowsWithoutScoresOrFeaturesAreLeftOutAndNamed()
    {
        var log = new LogLines(_ml);
        var pool = View([[1, 0], [float.NaN, 0], [0, 1]], [[float.NaN, float.NaN], [0.5f, 0.5f], [0.5f, 0.5f]], Key);

        var ranked = _ml.FineTuning.RankForLabeling(pool, 9, LabelingStrategy.DiverseMargin());

        Assert.AreEqual(Key(2), ranked.Single().Key);
        Assert.Contains("2 rows in the pool are left out", log.Warnings.Single());
        Assert.Contains(Key(0), log.Warnings.Single());
        Assert.Contains(Key(1), log.Warnings.Single());
    }

    [TestMethod]
    public void WhatCannotBeRankedIsRefusedInWords()
    {
        var pool = View([[1, 0], [0, 1]], [[0.5f, 0.5f], [0.7f, 0.6f]], Key);
        var twice = View([[1, 0], [0, 1]], [[0.5f, 0.5f], [0.5f, 0.5f]], _ => "a.jpg");
        var labeled = View([[1, 0, 0]], [], row => $"labelled {row}");

        Assert.Contains("'row 01' are not the probabilities of classes that exclude each other",
            Refused<InvalidOperationException>(() => Rank(pool, LabelingStrategy.Margin())));
        Assert.Contains("Two rows in the pool have 'a.jpg' in column 'ImagePath'",
            Refused<InvalidOperationException>(() => Rank(twice, LabelingStrategy.CoreSet())));
        Assert.Contains("Two rows in the labelled data have 'a.jpg'",
            Refused<InvalidOperationException>(() => Rank(pool, LabelingStrategy.CoreSet(), twice)));
        Assert.Contains("vectors of 3 numbers in the labelled data and of 2 in the pool",
            Refused<InvalidOperationException>(() => Rank(pool, LabelingStrategy.CoreSet(), labeled)));
        Assert.Contains("Vector<Single> of known size",
            Refused<ArgumentOutOfRangeException>(() => Rank(pool, LabelingStrategy.CoreSet("ImagePath"))));
        Assert.Contains("Could not find score column 'Missing'",
            Refused<ArgumentOutOfRangeException>(() => Rank(pool, LabelingStrategy.Margin("Missing"))));
        Assert.Contains("Could not find features column 'Features'", Refused<ArgumentOutOfRangeException>(
            () => Rank(pool, LabelingStrategy.CoreSet(), _ml.Data.LoadFromEnumerable([new Binary { ImagePath = "x" }]))));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.FineTuning.RankForLabeling(pool, 0, LabelingStrategy.CoreSet()));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => LabelingStrategy.DiverseMargin(candidates: 1));
        Assert.ThrowsExactly<ArgumentException>(() => LabelingStrategy.CoreSet(" "));

        static string Refused<T>(Action action) where T : Exception => Assert.ThrowsExactly<T>(action).Message;
    }

    [TestMethod]
    public void DefaultsAreTheDocumentedOnes()
    {
        Assert.AreEqual(LabelingStrategy.Margin("Score"), LabelingStrategy.Margin());
        Assert.AreEqual(LabelingStrategy.CoreSet("Features"), LabelingStrategy.CoreSet());
        Assert.AreEqual(LabelingStrategy.DiverseMargin("Score", "Features", candidates: 2), LabelingStrategy.DiverseMargin());
        Assert.AreEqual("DiverseMargin(Score, Features, candidates: 2)", $"{LabelingStrategy.DiverseMargin()}");
    }

    [TestMethod]
    public void ACancelledRankingEnds()
    {
        using var cancellation = new CancellationTokenSource();
        var pool = _ml.Data.LoadFromEnumerable(Rows());

        Assert.ThrowsExactly<OperationCanceledException>(() => _ml.FineTuning.RankForLabeling(
            pool, 10, LabelingStrategy.Margin("Probability"), cancellationToken: cancellation.Token));
        Assert.ThrowsExactly<OperationCanceledException>(() => _ml.FineTuning.RankForLabeling(
            Pool(), 10, LabelingStrategy.CoreSet(), cancellationToken: cancellation.Token));

        IEnumerable<Binary> Rows()
        {
            for (var row = 0; ; row++)
            {
                if (row == 100)
                    cancellation.Cancel();
                yield return new Binary { ImagePath = Key(row), Probability = 0.5f };
            }
        }
    }

    private IReadOnlyList<LabelingStrategy.Suggestion> Rank(IDataView pool, LabelingStrategy strategy, IDataView? labeled = null) =>
        _ml.FineTuning.RankForLabeling(pool, 2, strategy, labeled);

    private IDataView Pool() => View(Vectors("pool"), Vectors("scores"), Key);

    private IDataView Labeled() => View(Vectors("labeled"), [], row => $"labelled {row}");

    private IDataView View(float[][] features, float[][] scores, Func<int, string> keyOf)
    {
        var schema = SchemaDefinition.Create(typeof(Row));
        schema["Features"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, features[0].Length);
        schema["Score"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, scores.FirstOrDefault()?.Length ?? 2);
        return _ml.Data.LoadFromEnumerable(features.Select((vector, row) => new Row
        {
            ImagePath = keyOf(row),
            Features = vector,
            Score = scores.Length > 0 ? scores[row] : [1, 0],
        }).ToArray(), schema);
    }

    private static float[][] Vectors(string name) =>
        [.. s_fixture.GetProperty(name).EnumerateArray().Select(row => row.Numbers().Select(number => (float)number).ToArray())];

    private static int[] Ints(JsonElement numbers) => [.. numbers.EnumerateArray().Select(number => number.GetInt32())];

    private static string Key(int row) => FormattableString.Invariant($"row {row:00}");

    private static int Index(string key) => int.Parse(key[4..], System.Globalization.CultureInfo.InvariantCulture);

    private static float[] Vector(Random random, int dimension) =>
        [.. Enumerable.Range(0, dimension).Select(_ => random.NextSingle() * 2 - 1)];

    private static double Cosine(float[] a, float[] b) =>
        a.Zip(b, (x, y) => (double)x * y).Sum() / Math.Sqrt(a.Sum(x => (double)x * x) * b.Sum(x => (double)x * x));

    private sealed class Row
    {
        public string ImagePath { get; set; } = "";

        public float[] Features { get; set; } = [];

        public float[] Score { get; set; } = [];
    }

    private sealed class Known
    {
        public string ImagePath { get; set; } = "";

        [VectorType(2)]
        public float[] Features { get; set; } = [];

        public bool IsYes { get; set; }

        public float Number { get; set; }
    }

    private sealed class Binary
    {
        public string ImagePath { get; set; } = "";

        public float Probability { get; set; }
    }
}
