using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Tasks;

[TestClass]
public sealed class MultiLabelEvaluatorTests
{
    private static readonly string[] s_names = ["ant", "bee", "cat"];

    private readonly MLContext _ml = new(seed: 1);

    public static IEnumerable<object[]> Cases => [[0], [1]];

    /// <summary>tools/reference/metrics_fixture.py; no row has the first label, which scikit-learn was not asked about.</summary>
    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void MetricsOfAViewAreThoseOfScikitLearn(int index)
    {
        var expected = Fixture.Read("metrics.json").GetProperty("multiLabel")[index];
        var (labels, predicted) = (MetricsTests.Rows(expected, "labels"), MetricsTests.Rows(expected, "predicted"));
        float[][] scores = [.. expected.GetProperty("scores").EnumerateArray().Select(LossFixture.Floats)];
        var rows = labels.Select((_, row) => LabelSetRow.Of(labels[row], scores[row], predicted[row]));

        var metrics = Evaluate(LabelSetRow.View(_ml, labels[0].Length, slots: null, labelSlots: null, rows));

        Assert.AreEqual(expected.Number("meanAveragePrecision"), metrics.MeanAveragePrecision, 1e-10);
        var precisions = expected.GetProperty("averagePrecision").Numbers();
        Fixture.AreClose(precisions, [.. metrics.PerLabelAveragePrecision.Skip(1)], 1e-10, "precision");
        Assert.AreEqual(double.NaN, metrics.PerLabelAveragePrecision[0]);
        Assert.AreEqual(expected.Number("microF1"), metrics.MicroF1, 1e-10);
        Assert.AreEqual(expected.Number("macroF1"), metrics.MacroF1, 1e-10);
        Fixture.AreClose(expected.GetProperty("perLabelF1").Numbers(), [.. metrics.PerLabelF1], 1e-10, "F1");
        Assert.AreEqual(expected.Number("hammingLoss"), metrics.HammingLoss, 1e-10);
        Assert.AreEqual(expected.Number("subsetAccuracy"), metrics.SubsetAccuracy, 1e-10);
        Assert.AreEqual((labels.Length, 0), (metrics.Rows, metrics.RowsLeftOut));
        CollectionAssert.AreEqual(labels[0].Select((_, label) => $"{label}").ToArray(), metrics.LabelNames.ToArray());
    }

    [TestMethod]
    public void BooleansKeysAndSparseVectorsGiveTheSame()
    {
        var dense = Random(20);
        var expected = Evaluate(View(dense));
        CollectionAssert.AreEqual(s_names, expected.LabelNames.ToArray());

        // The keys are in another order than the scores: they are matched by name.
        AreSame(expected, Evaluate(Keyed(View(dense), "cat", "ant", "bee"), "Tags"));
        AreSame(expected, Evaluate(Keyed(View(dense), s_names), "Tags"));

        AreSame(expected, Evaluate(View([.. dense.Select(row => new LabelSetRow
        {
            Labels = Sparse(row.Labels),
            Score = Sparse(row.Score),
            PredictedLabel = Sparse(row.PredictedLabel),
        })])));
    }

    /// <summary>Keys of one byte to eight, missing ones among them, and without values that would name them.</summary>
    [TestMethod]
    public void KeysOfEveryTypeAndKeysWithoutValuesGiveTheSame()
    {
        var rows = Random(20);
        var expected = Evaluate(LabelSetRow.View(_ml, 3, slots: null, labelSlots: null, rows));
        AreSame(expected, OfKeys<byte>(key => (byte)key));
        AreSame(expected, OfKeys<ushort>(key => (ushort)key));
        AreSame(expected, OfKeys<uint>(key => key));
        AreSame(expected, OfKeys<ulong>(key => key));

        MultiLabelMetrics OfKeys<T>(Func<uint, T> convert)
        {
            var view = LabelSetRow.View(_ml, 3, slots: null, labelSlots: null, rows);
            var map = _ml.Transforms.CustomMapping<LabelSetRow, Keys<T>>(
                (row, keys) => keys.Numbers = [.. row.Labels.DenseValues().Select((isThere, i) => convert(isThere ? (uint)i + 1 : 0))],
                contractName: null, SchemaDefinition.Create(typeof(LabelSetRow)), KeyDefinition<T>());
            return Evaluate(map.Fit(view).Transform(view), "Numbers");
        }
    }

    [TestMethod]
    public void ThePlaceOfBooleansIsFoundByNameWhereTheNamesAreTheSame()
    {
        var rows = Random(20);
        var expected = Evaluate(View(rows));
        var turned = rows.Select(row => new LabelSetRow
        {
            Labels = new(3, [.. row.Labels.DenseValues().Reverse()]),
            Score = row.Score,
            PredictedLabel = row.PredictedLabel,
        }).ToArray();
        AreSame(expected, Evaluate(LabelSetRow.View(_ml, 3, s_names, ["cat", "bee", "ant"], turned)));
        // Names that are not among the scores', or not unique, cannot be matched.
        AreSame(expected, Evaluate(LabelSetRow.View(_ml, 3, s_names, ["x", "y", "ant"], rows)));
        AreSame(expected, Evaluate(LabelSetRow.View(_ml, 3, s_names, ["ant", "ant", "bee"], rows)));
        // The label's own names, where the scores have none.
        AreSame(expected, Evaluate(LabelSetRow.View(_ml, 3, slots: null, s_names, rows)));
    }

    [TestMethod]
    public void RowsWithoutScoresAreLeftOutAndCounted()
    {
        var rows = Random(20);
        var expected = Evaluate(View(rows));
        var metrics = Evaluate(View(
        [
            LabelSetRow.Of([true, true, true], [float.NaN, float.NaN, float.NaN], [false, false, false]), .. rows,
            LabelSetRow.Of([true, true, true], [0, float.NaN, 0], [false, false, false]),
        ]));
        AreSame(expected, metrics, leftOut: 2);
        Assert.AreEqual((20, 2), (metrics.Rows, metrics.RowsLeftOut));

        var nothing = Evaluate(View([]));
        Assert.AreEqual(
            (double.NaN, 0, 0, double.NaN, double.NaN, 0),
            (nothing.MeanAveragePrecision, nothing.MicroF1, nothing.MacroF1, nothing.HammingLoss, nothing.SubsetAccuracy,
                nothing.Rows));
    }

    [TestMethod]
    public void ColumnsThatDoNotFitAreNamedInMlNetsWords()
    {
        var view = View(Random(3));
        Refuses("Could not find label column 'Nothing'", view, label: "Nothing");
        Refuses("Could not find score column 'Nothing'", view, score: "Nothing");
        Refuses("Could not find predicted label column 'Nothing'", view, predicted: "Nothing");
        Refuses("score column 'Labels': expected Vector<Single> of known size, got Vector<Boolean, 3>", view, score: "Labels");
        Refuses("predicted label column 'Score': expected Vector<Boolean, 3>, one for each score", view, predicted: "Score");
        const string expected = "expected Vector<Boolean> of known size, or Vector<Key>";
        Refuses($"Schema mismatch for label column 'Score': {expected}, got Vector<Single, 3>", view, label: "Score");
        Refuses($"Schema mismatch for label column 'Tags': {expected}, got Vector<String>", view, label: "Tags");

        var more = _ml.Transforms.Concatenate("More", "Labels", "Labels").Fit(view).Transform(view);
        Refuses("label column 'More': expected Vector<Boolean, 3>, one for each score, got Vector<Boolean, 6>", more, label: "More");

        var withoutCat = Random(20).Where(row => !row.Tags.Contains("cat"));
        var keyed = Keyed(LabelSetRow.View(_ml, 3, slots: null, labelSlots: null, withoutCat));
        Refuses("label column 'Tags': expected Vector<Key<UInt32, 0-2>>, one key for each score", keyed, label: "Tags");
    }

    [TestMethod]
    public void LabelsForWhichThereAreNoScoresAreNamed()
    {
        var view = Keyed(LabelSetRow.View(_ml, 3, ["ant", "bee", "dog"], labelSlots: null, Random(20)));
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => Evaluate(view, "Tags"));
        StringAssert.Contains(
            error.Message, "The label column 'Tags' has labels for which there are no scores: 'cat'. There are scores for: "
            + "'ant', 'bee', 'dog'. Make the keys by the Conversion.MapValueToKey that was fitted to the training data.");

        // Fewer labels than scores are no fault: what the test data lack, no row has.
        var fewer = Random(20).Where(row => !row.Tags.Contains("cat")).ToArray();
        var metrics = Evaluate(Keyed(View(fewer)), "Tags");
        Assert.AreEqual(double.NaN, metrics.PerLabelAveragePrecision[2]);
        AreSame(Evaluate(View(fewer)), metrics);
    }

    [TestMethod]
    public void MetricsPrintTheSameInEveryCulture()
    {
        var metrics = new MultiLabelMetrics(0.5, 0.25, 0.125, [0.5], 0.75, 0.0625, [0.5], ["a"], 4, 1);
        Culture.Each(name => Assert.AreEqual(
            "MultiLabelMetrics { MeanAveragePrecision = 0.5, MicroF1 = 0.25, MacroF1 = 0.125, HammingLoss = 0.75, SubsetAccuracy = 0.0625, "
            + "Rows = 4, RowsLeftOut = 1 }", metrics.ToString(), name));
    }

    private MultiLabelMetrics Evaluate(
        IDataView data, string label = "Labels", string score = "Score", string predicted = "PredictedLabel") =>
        MultiLabelEvaluator.Evaluate(_ml, data, label, score, predicted);

    private IDataView View(IReadOnlyList<LabelSetRow> rows) => LabelSetRow.View(_ml, 3, s_names, labelSlots: null, rows);

    /// <param name="view">Whose tags become keys.</param>
    /// <param name="order">Of the keys; as they are met where it is not said.</param>
    private IDataView Keyed(IDataView view, params string[] order)
    {
        var keys = order.Length == 0 ? null : _ml.Data.LoadFromEnumerable(order.Select(name => new { Name = name }));
        return _ml.Transforms.Conversion.MapValueToKey("Tags", keyData: keys).Fit(view).Transform(view);
    }

    private static SchemaDefinition KeyDefinition<T>()
    {
        var definition = SchemaDefinition.Create(typeof(Keys<T>));
        definition["Numbers"].ColumnType = new VectorDataViewType(new KeyDataViewType(typeof(T), 3));
        return definition;
    }

    private sealed class Keys<T>
    {
        public T[] Numbers { get; set; } = [];
    }

    private static LabelSetRow[] Random(int count)
    {
        var random = new Random(5);
        return
        [
            .. Enumerable.Range(0, count).Select(_ => LabelSetRow.Of(
                Flags(), [.. Enumerable.Range(0, 3).Select(_ => random.Next(4) / 4f)], Flags(), s_names)),
        ];

        bool[] Flags() => [.. Enumerable.Range(0, 3).Select(_ => random.Next(2) == 0)];
    }

    private static VBuffer<T> Sparse<T>(VBuffer<T> dense)
        where T : struct
    {
        var kept = dense.Items().Where(item => !item.Value.Equals(default(T))).ToArray();
        return new(dense.Length, kept.Length, [.. kept.Select(item => item.Value)], [.. kept.Select(item => item.Key)]);
    }

    private static void AreSame(MultiLabelMetrics expected, MultiLabelMetrics actual, int leftOut = 0)
    {
        var text = actual.ToString().Replace($"RowsLeftOut = {leftOut}", "RowsLeftOut = 0", StringComparison.Ordinal);
        Assert.AreEqual(expected.ToString(), text);
        CollectionAssert.AreEqual(expected.PerLabelF1.ToArray(), actual.PerLabelF1.ToArray());
        CollectionAssert.AreEqual(expected.PerLabelAveragePrecision.ToArray(), actual.PerLabelAveragePrecision.ToArray());
        CollectionAssert.AreEqual(expected.LabelNames.ToArray(), actual.LabelNames.ToArray());
    }

    private void Refuses(
        string message, IDataView data, string label = "Labels", string score = "Score", string predicted = "PredictedLabel")
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => Evaluate(data, label, score, predicted));
        StringAssert.Contains(error.Message, message);
    }
}
