using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Tasks;

[TestClass]
public sealed class OrdinalEvaluatorTests
{
    private static readonly string[] s_order = ["low", "middle", "high"];

    private readonly MLContext _ml = new(seed: 1);

    public static IEnumerable<object[]> Cases => [[0], [1]];

    /// <summary>tools/reference/metrics_fixture.py.</summary>
    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void MetricsOfAViewAreThoseOfScikitLearn(int index)
    {
        var expected = Fixture.Read("metrics.json").GetProperty("ordinal")[index];
        var rows = expected.GetProperty("labels").Numbers().Zip(expected.GetProperty("predicted").Numbers(), (label, predicted) =>
            new KeyRow { Label = (uint)label, Predicted = (uint)predicted }).ToArray();

        var view = KeyRow.View(_ml, expected.GetProperty("classes").GetInt32(), rows);
        var metrics = OrdinalEvaluator.Evaluate(_ml, view, "Label", "Predicted");

        Assert.AreEqual(expected.Number("quadraticWeightedKappa"), metrics.QuadraticWeightedKappa, 1e-10);
        Assert.AreEqual(expected.Number("meanAbsoluteError"), metrics.MeanAbsoluteError, 1e-10);
        Assert.AreEqual(expected.Number("accuracy"), metrics.Accuracy, 1e-10);
        Assert.AreEqual((rows.Length, 0), (metrics.Rows, metrics.RowsLeftOut));
    }

    /// <summary>The label's keys are numbered as they are met in the test data; the order of the classes is that of the model.</summary>
    [TestMethod]
    public void KeysAreMatchedByTheirValues()
    {
        var metrics = OrdinalEvaluator.Evaluate(
            _ml, Named([("high", "high"), ("low", "high"), ("middle", "low")], labels: null), "Label", "Predicted");
        Assert.AreEqual(1.0, metrics.MeanAbsoluteError, 1e-15); // 0, 2 and 1 classes off
        Assert.AreEqual(1 / 3.0, metrics.Accuracy, 1e-15);
    }

    [TestMethod]
    public void RowsWithoutLabelOrPredictionAreLeftOutAndCounted()
    {
        var metrics = OrdinalEvaluator.Evaluate(
            _ml, Named([("", "low"), ("low", ""), ("high", "middle"), ("low", "low")], s_order), "Label", "Predicted");
        Assert.AreEqual((2, 2, 0.5), (metrics.Rows, metrics.RowsLeftOut, metrics.MeanAbsoluteError));

        KeyRow[] rows = [new() { Label = 0, Predicted = 2 }, new() { Label = 2, Predicted = 1 }, new() { Label = 0, Predicted = 1 }];
        var beyond = OrdinalEvaluator.Evaluate(_ml, KeyRow.View(_ml, 2, rows), "Label", "Predicted");
        Assert.AreEqual((1, 2, 1), (beyond.Rows, beyond.RowsLeftOut, beyond.MeanAbsoluteError));

        var nothing = OrdinalEvaluator.Evaluate(_ml, KeyRow.View(_ml, 2, []), "Label", "Predicted");
        Assert.AreEqual((double.NaN, double.NaN), (nothing.QuadraticWeightedKappa, nothing.MeanAbsoluteError));
        Assert.AreEqual((double.NaN, 0), (nothing.Accuracy, nothing.Rows));
    }

    [TestMethod]
    public void ALabelThatTheModelDoesNotKnowIsNamed()
    {
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => OrdinalEvaluator.Evaluate(
            _ml, Named([("low", "low"), ("highest", "high")], labels: null), "Label", "Predicted"));
        StringAssert.Contains(
            error.Message, "Row 1 has the label 'highest' in column 'Label', and 'Predicted' has no such class: low, middle, high.");
    }

    [TestMethod]
    public void ColumnsThatDoNotFitAreNamedInMlNetsWords()
    {
        var view = _ml.Data.LoadFromEnumerable([new { Label = 1f, Predicted = "low" }]);
        Refuses("Could not find label column 'Nothing'", view, "Nothing", "Predicted");
        Refuses("Schema mismatch for label column 'Label': expected Key, got Single", view, "Label", "Predicted");
        Refuses("Schema mismatch for predicted label column 'Label': expected Key, got Single", KeyAndNumber(), "Key", "Label");

        IDataView KeyAndNumber() => _ml.Transforms.Conversion.MapValueToKey("Key", "Predicted").Fit(view).Transform(view);
    }

    [TestMethod]
    public void MetricsPrintTheSameInEveryCulture() => Culture.Each(name => Assert.AreEqual(
        "OrdinalMetrics { QuadraticWeightedKappa = 0.5, MeanAbsoluteError = 0.25, Accuracy = 0.75, Rows = 4, RowsLeftOut = 1 }",
        new OrdinalMetrics(0.5, 0.25, 0.75, 4, 1).ToString(), name));

    private void Refuses(string message, IDataView view, string label, string predicted)
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => OrdinalEvaluator.Evaluate(_ml, view, label, predicted));
        StringAssert.Contains(error.Message, message);
    }

    private IDataView Named((string Label, string Predicted)[] rows, string[]? labels)
    {
        var view = _ml.Data.LoadFromEnumerable(rows.Select(row => new NamedRow { Label = row.Label, Predicted = row.Predicted }));
        return Keys("Label", labels).Append(Keys("Predicted", s_order)).Fit(view).Transform(view);

        IEstimator<ITransformer> Keys(string column, string[]? order) => _ml.Transforms.Conversion.MapValueToKey(
            column, keyData: order is null ? null : _ml.Data.LoadFromEnumerable(order.Select(name => new { Name = name })));
    }

    private sealed class NamedRow
    {
        public string Label { get; set; } = "";

        public string Predicted { get; set; } = "";
    }

    /// <summary>Keys count from 0 in objects, and from 1 in the view that is made of them.</summary>
    private sealed class KeyRow
    {
        public uint Label { get; set; }

        public uint Predicted { get; set; }

        public static IDataView View(MLContext ml, int classes, IEnumerable<KeyRow> rows)
        {
            var definition = SchemaDefinition.Create(typeof(KeyRow));
            definition[nameof(Label)].ColumnType = new KeyDataViewType(typeof(uint), classes);
            definition[nameof(Predicted)].ColumnType = new KeyDataViewType(typeof(uint), classes);
            return ml.Data.LoadFromEnumerable(rows, definition);
        }
    }
}
