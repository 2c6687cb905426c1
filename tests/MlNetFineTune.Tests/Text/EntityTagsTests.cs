using System.Text.Json;
using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Text;

/// <summary>Entities of label sequences and their metrics, against tools/reference/entities_fixture.py.</summary>
[TestClass]
public sealed class EntityTagsTests
{
    private static readonly JsonElement s_reference = Fixture.Read("entities.json");

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    [DataRow(LabelScheme.Iob1)]
    [DataRow(LabelScheme.Iob2)]
    [DataRow(LabelScheme.Bioes)]
    public void EntitiesAreThoseOfTheReference(LabelScheme scheme)
    {
        foreach (var sequence in s_reference.GetProperty(scheme.ToString()).GetProperty("sequences").EnumerateArray())
        {
            var labels = sequence.Text("labels");
            var tags = TagsOf(labels.Split(' '));
            CollectionAssert.AreEqual(Spans(sequence.GetProperty("lenient")), EntityTags.Lenient(tags), $"{labels}, lenient");
            CollectionAssert.AreEqual(Spans(sequence.GetProperty("strict")), EntityTags.Strict(tags, scheme), $"{labels}, {scheme}");
        }
    }

    [TestMethod]
    [DataRow(LabelScheme.Iob1)]
    [DataRow(LabelScheme.Iob2)]
    [DataRow(LabelScheme.Bioes)]
    public void MetricsAreThoseOfTheReference(LabelScheme scheme)
    {
        var expected = s_reference.GetProperty(scheme.ToString());
        var rows = expected.GetProperty("truth").EnumerateArray().Zip(
            expected.GetProperty("sequences").EnumerateArray(),
            (truth, sequence) => new Scored { Label = truth.GetString()!.Split(' '), PredictedLabel = sequence.Text("labels").Split(' ') });

        var metrics = _ml.FineTuning.EvaluateTokenClassification(_ml.Data.LoadFromEnumerable(rows.ToArray()), predictedScheme: scheme);

        Fixture.AreClose(
            expected.GetProperty("lenient").Numbers(), [metrics.EntityPrecision, metrics.EntityRecall, metrics.EntityF1], 1e-10, "lenient");
        Fixture.AreClose(
            expected.GetProperty("strict").Numbers(),
            [metrics.StrictEntityPrecision, metrics.StrictEntityRecall, metrics.StrictEntityF1], 1e-10, "strict");
        Fixture.AreClose(expected.GetProperty("accuracy").Numbers(), [metrics.WordAccuracy], 1e-10, "word accuracy");
        CollectionAssert.AreEqual(new[] { "A", "B" }, metrics.PerType.Select(type => type.Type).ToArray());
    }

    [TestMethod]
    [DataRow("I-A I-A O B-A", LabelScheme.Iob1, 3)]
    [DataRow("I-A B-A I-A I-B", LabelScheme.Iob1, null)]
    [DataRow("I-A S-A", LabelScheme.Iob1, 1)]
    [DataRow("B-A I-A B-A O", LabelScheme.Iob2, null)]
    [DataRow("B-A I-B", LabelScheme.Iob2, 1)]
    [DataRow("O I-A", LabelScheme.Iob2, 1)]
    [DataRow("S-A B-A I-A E-A O", LabelScheme.Bioes, null)]
    [DataRow("B-A O", LabelScheme.Bioes, 1)]
    [DataRow("O B-A", LabelScheme.Bioes, 2)]
    [DataRow("E-A", LabelScheme.Bioes, 0)]
    [DataRow("U-A B-A L-A", LabelScheme.Bioes, null)]
    public void SequencesThatASchemeDoesNotAllowAreFound(string labels, LabelScheme scheme, int? expected) =>
        Assert.AreEqual(expected, EntityTags.FindIllegal(TagsOf(labels.Split(' ')), scheme));

    [TestMethod]
    [DataRow("I-A I-A B-A O I-B", "B-A I-A B-A O B-B")]
    [DataRow("B-A I-A B-A O B-B", "B-A I-A B-A O B-B")]
    [DataRow("B-A E-A S-A O S-B", "B-A I-A B-A O B-B")]
    [DataRow("B-A L-A U-A O U-B", "B-A I-A B-A O B-B")]
    public void SchemesAreRecognisedAndConverted(string labels, string expected)
    {
        var given = labels.Split(' ');
        var tags = WordTags.Of([.. given.Distinct().Order(StringComparer.Ordinal)], LabelScheme.Recognize, "Label");
        Assert.IsTrue(tags.AreEntities);
        CollectionAssert.AreEqual(new[] { "O", "B-A", "I-A", "B-B", "I-B" }, tags.Names.ToArray());
        Assert.AreEqual(expected, string.Join(' ', tags.PlacesOf(given).Select(place => tags.Names[place])));
    }

    [TestMethod]
    public void OtherLabelsStayAsTheyAre()
    {
        var tags = WordTags.Of(["NN", "VB", "O"], LabelScheme.Recognize, "Label");
        Assert.IsFalse(tags.AreEntities);
        CollectionAssert.AreEqual(new[] { 1, 0, -1, -1 }, tags.PlacesOf(["VB", "NN", null, "JJ"]));
        Assert.IsFalse(WordTags.Of(["B-A", "O"], LabelScheme.Plain, "Label").AreEntities);
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => WordTags.Of(["B-A", "NN", "S-A"], LabelScheme.Iob2, "Tag"));
        Assert.Contains("'NN'", error.Message);
        Assert.Contains("'S-A'", error.Message);
        Assert.Contains("LabelScheme.Iob2", error.Message);
    }

    [TestMethod]
    public void RowsWithoutPredictionsAreLeftOutAndOtherLengthsAreAnError()
    {
        Scored[] rows =
        [
            new() { Label = ["NN", "VB"], PredictedLabel = ["NN", "NN"] }, new() { Label = ["NN"], PredictedLabel = [] },
            new() { Label = [], PredictedLabel = ["NN"] },
        ];
        var metrics = _ml.FineTuning.EvaluateTokenClassification(_ml.Data.LoadFromEnumerable(rows));
        Assert.AreEqual(0.5, metrics.WordAccuracy);
        Assert.AreEqual((1L, 2L, 2L), (metrics.Rows, metrics.RowsLeftOut, metrics.Words));
        Assert.IsTrue(double.IsNaN(metrics.EntityF1));
        Assert.IsEmpty(metrics.PerType);

        rows[1].PredictedLabel = ["NN", "NN"];
        var error = Assert.Throws<InvalidOperationException>(
            () => _ml.FineTuning.EvaluateTokenClassification(_ml.Data.LoadFromEnumerable(rows)));
        Assert.Contains("1 labels", error.Message);
    }

    private static EntityTag[] TagsOf(string[] labels) => Array.ConvertAll(labels, label =>
    {
        Assert.IsTrue(EntityTag.TryParse(label, out var tag), label);
        return tag;
    });

    private static List<WordSpan> Spans(JsonElement spans) =>
        [.. spans.EnumerateArray().Select(span => new WordSpan(span[0].GetString()!, span[1].GetInt32(), span[2].GetInt32()))];

    private sealed class Scored
    {
        public string[] Label { get; set; } = [];

        public string[] PredictedLabel { get; set; } = [];
    }
}
