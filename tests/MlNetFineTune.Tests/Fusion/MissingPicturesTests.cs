using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Fusion;

/// <summary>Rows without a picture, where a table stands beside it.</summary>
[TestClass]
public sealed class MissingPicturesTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly FusedRow[] _rows = FusedRow.Many(30);

    [TestMethod]
    public void ByDefaultARowWithoutAPictureIsABadRow()
    {
        _rows[4].ImagePath = "";
        var error = Assert.ThrowsExactly<InvalidDataException>(() => Fit(FusedRow.Options));
        StringAssert.Contains(error.Message, "the path is empty");

        using var model = Fit(FusedRow.Options with { BadRows = BadRows.Skip(0.5f), Epochs = 1 });
        Assert.AreEqual(4, model.Report!.BadRows.Single().Ordinal);
        Assert.IsTrue(float.IsNaN(SmallTraining.Scores(model.Transform(FusedRow.View(_ml, _rows)))[4][0]));
    }

    [TestMethod]
    public void WhereTheyAreAllowedTheTableScoresThem()
    {
        var rows = FusedRow.Many(90);
        for (var i = 0; i < 30; i++)
            rows[i].ImagePath = "";
        var options = FusedRow.Options with
        {
            MissingPictures = MissingPictures.Allow,
            Strategy = Strategy.HeadOnly,
            Epochs = 12,
            LearningRate = 0.02f,
        };
        using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(FusedRow.View(_ml, rows));

        Assert.IsEmpty(model.Report!.BadRows);
        var test = FusedRow.Many(60, seed: 7);
        foreach (var row in test)
            row.ImagePath = "";
        Assert.IsGreaterThan(0.8, _ml.MulticlassClassification.Evaluate(model.Transform(FusedRow.View(_ml, test))).MicroAccuracy);
        model.Scorer.Read(network =>
            Assert.IsGreaterThan(1e-4, ((ImageNetwork)network).Table!.missing_picture!.Values().Max(Math.Abs), "learnt"));
    }

    [TestMethod]
    public void AFileThatIsNamedAndCannotBeReadStaysABadRowUnlessThatIsAllowedToo()
    {
        var (cut, _) = BadPictures.All.Single(bad => bad.Reason == "it is cut off");
        _rows[3].ImagePath = cut;
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => Fit(FusedRow.Options with { MissingPictures = MissingPictures.Allow }))
                .Message, "cut off");

        _rows[5].ImagePath = "nowhere.png";
        using var model = Fit(FusedRow.Options with { MissingPictures = MissingPictures.AllowUnreadable, Epochs = 1 });

        Assert.IsEmpty(model.Report!.BadRows);
        TableAndPhotoTests.AssertProbabilities(SmallTraining.Scores(model.Transform(FusedRow.View(_ml, _rows))));
    }

    [TestMethod]
    public void APictureThatIsMissingLooksTheSameInEveryView()
    {
        using var model = Fit(FusedRow.Options with { MissingPictures = MissingPictures.Allow, Epochs = 1 });
        using var flipping = model.WithTestTimeAugmentation(TestTimeAugmentation.Flip);
        var row = FusedRow.Many(1)[0];
        row.ImagePath = "";

        var view = FusedRow.View(_ml, [row]);
        SmallTraining.AssertClose(SmallTraining.Scores(model.Transform(view)), SmallTraining.Scores(flipping.Transform(view)));
    }

    [TestMethod]
    public void ImagesInMemoryMayBeMissing()
    {
        var rows = _rows.Select(row => new BytesRow { Label = row.Label, Weight = row.Weight, Bytes = File.ReadAllBytes(row.ImagePath) })
            .ToArray();
        rows[2].Bytes = [];
        var view = SmallTraining.WithKeys(_ml, _ml.Data.LoadFromEnumerable(rows));
        var options = FusedRow.Options with { ImageColumnName = "Bytes", TableColumns = ["Weight"], Epochs = 1 };

        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(
            () => _ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(view)).Message, "the picture has no bytes");
        using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(options with { MissingPictures = MissingPictures.Allow })
            .Fit(view);
        TableAndPhotoTests.AssertProbabilities(SmallTraining.Scores(model.Transform(view)));
    }

    private FineTuningTransformer Fit(ImageFineTuningOptions options) =>
        _ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(FusedRow.View(_ml, _rows));

    private sealed class BytesRow
    {
        public string Label { get; set; } = "";

        public float Weight { get; set; }

        public byte[] Bytes { get; set; } = [];
    }
}
