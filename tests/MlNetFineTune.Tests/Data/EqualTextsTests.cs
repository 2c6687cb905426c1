using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Data;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Data;

/// <summary>Labels are distinguished by value, not by text: dates that differ by less than a second have the same text.</summary>
[TestClass]
public sealed class EqualTextsTests
{
    private static readonly DateTime s_noon = new(2024, 5, 1, 12, 0, 0);

    private readonly MLContext _ml = new();
    private readonly Photo[] _train = SmallPictures.Take(8);
    private readonly Photo[] _other = SmallPictures.Take(5, skip: 20);

    [TestMethod]
    public void DatesBelowASecondAreThreeClassesThatValidateAsEvaluateDoes() =>
        Check(photo => new OfDate { Label = s_noon.AddMilliseconds(ClassOf(photo)), ImagePath = photo.ImagePath },
            "2024-05-01T12:00:00.0000000", "2024-05-01T12:00:00.0010000", "2024-05-01T12:00:00.0020000");

    [TestMethod]
    public void DatesThatDifferInSecondsKeepTheirShortNames() =>
        Check(photo => new OfDate { Label = s_noon.AddSeconds(ClassOf(photo)), ImagePath = photo.ImagePath }, "05/01/2024 12:00:00",
            "05/01/2024 12:00:01", "05/01/2024 12:00:02");

    [TestMethod]
    public void MomentsAreTheSameInEveryTimeZone()
    {
        var row = 0; // the first of each class: in UTC, UTC, and an hour east of it, so that two look alike
        Check(
            photo => new OfMoment
            {
                Label = new DateTimeOffset(s_noon.AddMilliseconds(ClassOf(photo)), TimeSpan.Zero)
                .ToOffset(TimeSpan.FromHours(row++ / 2 % 3)),
                ImagePath = photo.ImagePath
            },
            "2024-05-01T12:00:00.0000000Z", "2024-05-01T12:00:00.0010000Z", "05/01/2024 13:00:00 +01:00");
    }

    [TestMethod]
    public void FloatsAreTheSameWithEitherSignOfZero()
    {
        var row = 0;
        Check(
            photo => new OfFloat
            {
                Label = ClassOf(photo) switch { 0 => row++ % 2 == 0 ? 0f : -0f, 1 => 0.1f, _ => 0.10000001f },
                ImagePath = photo.ImagePath
            }, null, "0.1", "0.10000001");
    }

    [TestMethod]
    public void DoublesAreToldApartByTheirLastBit() =>
        Check(
            photo => new OfDouble
            {
                Label =
                ClassOf(photo) switch
                {
                    0 => 0.1,
                    1 => BitConverter.Int64BitsToDouble(BitConverter.DoubleToInt64Bits(0.1) + 1),
                    _ => 1e300
                },
                ImagePath = photo.ImagePath
            }, "0.1", "0.10000000000000002", "1E+300");

    [TestMethod]
    public void AMissingNumberIsARowWithoutALabelInBothData()
    {
        var rows = _train.Select((photo, i) => new OfFloat { Label = i == 5 ? float.NaN : ClassOf(photo), ImagePath = photo.ImagePath })
            .ToArray();
        var data = _ml.Data.LoadFromEnumerable(rows);
        var keyed = _ml.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data);
        foreach (var set in (IDataView[])[data, keyed])
        {
            using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(
                SmallTraining.Options with { Validation = ValidationData.Set(set) }).Fit(keyed);

            Assert.AreEqual(23, model.Report!.TrainingRows);
            Assert.AreEqual(1, model.Report.RowsWithoutLabel);
            Assert.AreEqual(23, model.Report.ValidationRows);
        }
    }

    [TestMethod]
    public void AContinuedTrainingGivesEachClassItsOwnHead()
    {
        var view = _ml.Data.LoadFromEnumerable(
            _train.Select(photo => new OfDate { Label = s_noon.AddMilliseconds(ClassOf(photo)), ImagePath = photo.ImagePath }));
        var reversed = _ml.Data.LoadFromEnumerable(
            _train.Reverse().Select(photo => new OfDate { Label = s_noon.AddMilliseconds(ClassOf(photo)), ImagePath = photo.ImagePath }));
        var log = new LogLines(_ml);
        using var earlier = _ml.MulticlassClassification.Trainers.FineTuneImages(SmallTraining.Options with { Epochs = 4 })
            .Fit(Keyed(view));
        var untrained = SmallTraining.Options with
        {
            Backbone = Backbone.FromModel(earlier),
            StopToken = new CancellationToken(canceled: true)
        };
        using var same = _ml.MulticlassClassification.Trainers.FineTuneImages(untrained).Fit(Keyed(view));
        using var turned = _ml.MulticlassClassification.Trainers.FineTuneImages(untrained).Fit(Keyed(reversed));

        var test = SmallPictures.View(_ml, _other);
        var expected = SmallTraining.Scores(earlier.Transform(test));
        SmallTraining.AssertClose(expected, SmallTraining.Scores(same.Transform(test)), 1e-6f);
        SmallTraining.AssertClose([.. expected.Select(scores => (float[])[scores[2], scores[1], scores[0]])],
            SmallTraining.Scores(turned.Transform(test)), 1e-6f);
        Assert.AreEqual(2, log.All.Count(line => line.Contains("weights of 3 classes.", StringComparison.Ordinal)), log.ToString());
    }

    // Trains, validates on other rows as they are and as keys numbered otherwise, and finds the same as Evaluate; saved and loaded again.
    private void Check<T>(Func<Photo, T> row, params string?[] names)
        where T : class
    {
        var train = Keyed(_ml.Data.LoadFromEnumerable(_train.Select(row).ToArray()));
        var other = _ml.Data.LoadFromEnumerable(_other.Select(row).ToArray());
        var numberedOtherwise = _ml.Transforms.Conversion.MapValueToKey("Label")
            .Fit(_ml.Data.LoadFromEnumerable(_other.Reverse().Select(row).ToArray())).Transform(other);
        var evaluated = _ml.Transforms.Conversion.MapValueToKey("Label").Fit(_ml.Data.LoadFromEnumerable(_train.Select(row).ToArray()))
            .Transform(other);
        foreach (var set in (IDataView[])[other, numberedOtherwise])
        {
            using var fitted = _ml.MulticlassClassification.Trainers.FineTuneImages(
                SmallTraining.Options with { Validation = ValidationData.Set(set) }).Fit(train);
            using var model = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, fitted)), out _);

            Assert.AreEqual(15, fitted.Report!.ValidationRows);
            Assert.AreEqual(_ml.MulticlassClassification.Evaluate(model.Transform(evaluated)).LogLoss,
                fitted.Report.Epochs[fitted.Report.BestEpoch - 1].ValidationLoss!.Value, 1e-4);
            Assert.HasCount(3, model.Classes.Distinct().ToArray());
            for (var c = 0; c < 3; c++)
                Assert.AreEqual(names[c] ?? model.Classes[c], model.Classes[c]);
            CollectionAssert.AreEqual(model.Classes.ToArray(), PipelineTests.SlotNames(model.Transform(evaluated).Schema["Score"]));
        }
    }

    private IDataView Keyed(IDataView data) => _ml.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data);

    private static int ClassOf(Photo photo) => Array.IndexOf(SmallPictures.Classes, photo.Label);

    private abstract class Row
    {
        public string ImagePath { get; set; } = "";
    }

    private sealed class OfDate : Row
    {
        public DateTime Label { get; set; }
    }

    private sealed class OfMoment : Row
    {
        public DateTimeOffset Label { get; set; }
    }

    private sealed class OfFloat : Row
    {
        public float Label { get; set; }
    }

    private sealed class OfDouble : Row
    {
        public double Label { get; set; }
    }
}
