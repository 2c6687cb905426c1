using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Data;

/// <summary>Labels are keys of any raw type, with values of any type or none.
/// ML.NET counts the keys of a user's class from 0, and what is beyond their number is missing.</summary>
[TestClass]
public sealed class LabelTypesTests
{
    private readonly MLContext _ml = new();
    private readonly Photo[] _photos = SmallPictures.Take(4);

    [TestMethod]
    public void KeysOfBytesWithoutValuesAreNamedByIndex() => CheckRaw((i, path) => new OfByte { Label = (byte)(i % 3), ImagePath = path });

    [TestMethod]
    public void KeysOfUShortsWithoutValuesAreNamedByIndex() =>
        // LoadFromEnumerable itself fails on such keys.
        CheckRaw((i, path) => new OfUInt { Label = (uint)(i % 3), ImagePath = path },
            _ml.Transforms.Conversion.ConvertType("Label", outputKind: DataKind.UInt16));

    [TestMethod]
    public void KeysOfUIntsWithoutValuesAreNamedByIndex() => CheckRaw((i, path) => new OfUInt { Label = (uint)(i % 3), ImagePath = path });

    [TestMethod]
    public void KeysOfULongsWithoutValuesAreNamedByIndex() =>
        CheckRaw((i, path) => new OfULong { Label = (ulong)(i % 3), ImagePath = path });

    [TestMethod]
    public void TextValuesComeBack() =>
        CheckValues((i, path) => new OfText { Label = SmallPictures.Classes[i % 3], ImagePath = path },
            i => SmallPictures.Classes[i].AsMemory(), i => SmallPictures.Classes[i]);

    [TestMethod]
    public void IntegersComeBack() =>
        CheckValues((i, path) => new OfInt { Label = i % 3 * 100 - 50, ImagePath = path }, i => i * 100 - 50,
            i => (i * 100 - 50).ToString());

    [TestMethod]
    public void FloatsComeBack() =>
        CheckValues((i, path) => new OfFloat { Label = i % 3 + 0.5f, ImagePath = path }, i => i + 0.5f,
            i => (i + 0.5f).ToString(System.Globalization.CultureInfo.InvariantCulture));

    [TestMethod]
    public void BooleansComeBack() =>
        CheckValues((i, path) => new OfBool { Label = i % 3 == 1, ImagePath = path }, i => i == 1, i => i == 1 ? "True" : "False",
            classes: 2);

    [TestMethod]
    public void RowsWithoutALabelAreLeftOutAndCounted()
    {
        var log = new LogLines(_ml);
        var rows =
            _photos.Select(
                (photo, i) => new OfUInt
                {
                    Label = i is 2 or 5 ? uint.MaxValue : (uint)(i % 3),
                    ImagePath = i == 2 ? "no such file" : photo.ImagePath
                });

        using var model = Trainer().Fit(_ml.Data.LoadFromEnumerable(rows));

        Assert.AreEqual(2, model.Report!.RowsWithoutLabel);
        Assert.AreEqual(10, model.Report.TrainingRows);
        CollectionAssert.Contains(log.Warnings.ToArray(), "2 rows have no label and are left out.");
    }

    [TestMethod]
    public void DataWithoutALabelledRowAreAnErrorThatSaysSo()
    {
        var rows = _photos.Select(photo => new OfUInt { Label = uint.MaxValue, ImagePath = photo.ImagePath });

        var error = Assert.ThrowsExactly<InvalidOperationException>(() => Trainer().Fit(_ml.Data.LoadFromEnumerable(rows)));

        StringAssert.Contains(error.Message, "nothing to train on");
    }

    [TestMethod]
    public void RowsOfOneClassAreAnErrorThatNamesIt()
    {
        var view = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, _photos.Where(photo => photo.Label == "rings")));

        var error = Assert.ThrowsExactly<InvalidOperationException>(() => Trainer().Fit(view));

        StringAssert.Contains(error.Message, "at least two classes");
        StringAssert.Contains(error.Message, "'rings'");
    }

    [TestMethod]
    public void AClassWithoutRowsIsWarnedOfAndKeepsItsPlaceAmongTheScores()
    {
        var log = new LogLines(_ml);
        var view = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, _photos.Where(photo => photo.Label != "rings")));

        using var model = Trainer().Fit(view);

        CollectionAssert.AreEqual(SmallPictures.Classes, model.Classes.ToArray());
        Assert.IsTrue(SmallTraining.Scores(model.Transform(view)).All(scores => scores.Length == 3 && scores.All(float.IsFinite)));
        Assert.IsTrue(log.Warnings.Any(line => line.Contains("No training row is 'rings'")), log.ToString());
    }

    private void CheckRaw<T>(Func<int, string, T> row, IEstimator<ITransformer>? convert = null)
        where T : class
    {
        var view = _ml.Data.LoadFromEnumerable(_photos.Select((photo, i) => row(i, photo.ImagePath)));
        if (convert is not null)
            view = convert.Fit(view).Transform(view);

        using var fitted = Trainer().Fit(view);
        using var model = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, fitted)), out _);
        var scored = model.Transform(view);

        CollectionAssert.AreEqual(new[] { "0", "1", "2" }, PipelineTests.SlotNames(scored.Schema["Score"]));
        Assert.AreEqual(new KeyDataViewType(typeof(uint), 3), scored.Schema["PredictedLabel"].Type);
        Assert.IsNull(scored.Schema["PredictedLabel"].Annotations.Schema.GetColumnOrNull("KeyValues"));
        Assert.IsTrue(SmallTraining.PredictedKeys(scored).All(key => key is >= 1 and <= 3));
        var metrics = _ml.MulticlassClassification.Evaluate(scored);
        Assert.IsTrue(double.IsFinite(metrics.LogLoss) && metrics.ConfusionMatrix.Counts.Sum(counts => counts.Sum()) == 12);
    }

    private void CheckValues<TRow, TValue>(Func<int, string, TRow> row, Func<int, TValue> value, Func<int, string> name, int classes = 3)
        where TRow : class
        where TValue : notnull
    {
        var view = _ml.Data.LoadFromEnumerable(_photos.Select((photo, i) => row(i, photo.ImagePath)));
        var pipeline = _ml.Transforms.Conversion.MapValueToKey("Label").Append(Trainer())
            .Append(_ml.Transforms.Conversion.MapKeyToValue("Back", "PredictedLabel"));

        using var fitted = pipeline.Fit(view);
        using var model = (TransformerChain<ITransformer>)_ml.Model.Load(
            new MemoryStream(SmallTraining.Save(_ml, fitted, view.Schema)), out _);
        foreach (var scored in (IDataView[])[fitted.Transform(view), model.Transform(view)])
        {
            CollectionAssert.AreEqual(Enumerable.Range(0, classes).Select(name).ToArray(), PipelineTests.SlotNames(scored.Schema["Score"]));
            var values = Enumerable.Range(0, classes).Select(i => value(i)!.ToString()).ToArray();
            VBuffer<TValue> keyValues = default;
            scored.Schema["PredictedLabel"].GetKeyValues(ref keyValues);
            CollectionAssert.AreEqual(values, keyValues.DenseValues().Select(v => v!.ToString()).ToArray());
            CollectionAssert.AreEqual(
                SmallTraining.PredictedKeys(scored).Select(key => values[key - 1]).ToArray(),
                typeof(TValue) == typeof(ReadOnlyMemory<char>) ? [.. scored.GetColumn<string>("Back")] : scored.GetColumn<TValue>("Back")
                    .Select(v => v!.ToString()).ToArray());
            Assert.IsTrue(double.IsFinite(_ml.MulticlassClassification.Evaluate(scored).LogLoss));
        }
    }

    private FineTuningTrainer Trainer() => _ml.MulticlassClassification.Trainers.FineTuneImages(SmallTraining.Options with { Epochs = 1 });

    private abstract class Row
    {
        public string ImagePath { get; set; } = "";
    }

    private sealed class OfByte : Row
    {
        [KeyType(3)]
        public byte Label { get; set; }
    }

    private sealed class OfUInt : Row
    {
        [KeyType(3)]
        public uint Label { get; set; }
    }

    private sealed class OfULong : Row
    {
        [KeyType(3)]
        public ulong Label { get; set; }
    }

    private sealed class OfText : Row
    {
        public string Label { get; set; } = "";
    }

    private sealed class OfInt : Row
    {
        public int Label { get; set; }
    }

    private sealed class OfFloat : Row
    {
        public float Label { get; set; }
    }

    private sealed class OfBool : Row
    {
        public bool Label { get; set; }
    }
}
