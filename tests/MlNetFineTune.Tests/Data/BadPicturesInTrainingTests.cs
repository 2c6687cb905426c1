using Microsoft.ML;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Data;

/// <summary>Training with pictures that cannot be read, with and without cached features.</summary>
[TestClass]
public sealed class BadPicturesInTrainingTests
{
    private readonly MLContext _ml = new();

    public static IEnumerable<object[]> Strategies => [[Strategy.HeadOnly], [Strategy.LastStages(1)], [Strategy.Full(1)]];

    [TestMethod]
    [DynamicData(nameof(Strategies))]
    public void ABadPictureEndsTheTrainingNamingRowFileAndReason(Strategy strategy)
    {
        foreach (var (path, reason) in BadPictures.All)
        {
            var photos = SmallPictures.Take(4).ToList();
            photos.Insert(7, new Photo { Label = "dots", ImagePath = path });

            var error = Assert.ThrowsExactly<InvalidDataException>(
                () => SmallTraining.Fit(_ml, SmallTraining.Options with { Strategy = strategy }, photos));

            StringAssert.Contains(error.Message, "row 7 ");
            StringAssert.Contains(error.Message, $"'{path}'");
            StringAssert.Contains(error.Message, reason);
            StringAssert.Contains(error.Message, "BadRows.Skip()");
        }
    }

    [TestMethod]
    [DynamicData(nameof(Strategies))]
    public void SkippedPicturesAreReportedAndTheRestTrainsAsIfTheyWereNotThere(Strategy strategy)
    {
        var log = new LogLines(_ml);
        var photos = SmallPictures.Take(8).ToList();
        photos.Insert(3, new Photo { Label = "dots", ImagePath = BadPictures.All[0].Path });
        photos.Insert(17, new Photo { Label = "rings", ImagePath = BadPictures.All[3].Path });

        using var model = SmallTraining.Fit(_ml, SmallTraining.Options with { Strategy = strategy, BadRows = BadRows.Skip() }, photos);

        CollectionAssert.AreEqual(
            new BadRows.Row[]
            {
                new(3, BadPictures.All[0].Path, BadPictures.All[0].Reason),
                new(17, BadPictures.All[3].Path, "it is not a picture in a known format (JPEG, PNG, GIF, BMP, WebP)"),
            },
            model.Report!.BadRows.ToArray());
        Assert.AreEqual(24, model.Report.TrainingRows);
        Assert.AreEqual(2, log.Warnings.Count(line => line.StartsWith("Left out row", StringComparison.Ordinal)));
        Assert.IsTrue(model.Report.Epochs.All(epoch => double.IsFinite(epoch.Loss)));
        Assert.IsTrue(SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, SmallPictures.Take(2))))
            .All(scores => scores.All(float.IsFinite)));
    }

    [TestMethod]
    [DynamicData(nameof(Strategies))]
    public void MoreBadPicturesThanTheFractionAreAnError(Strategy strategy)
    {
        var photos = SmallPictures.Take(3)
            .Concat(BadPictures.All.Take(2).Select(bad => new Photo { Label = "dots", ImagePath = bad.Path }));

        var error = Assert.ThrowsExactly<InvalidDataException>(
            () => SmallTraining.Fit(_ml, SmallTraining.Options with { Strategy = strategy, BadRows = BadRows.Skip(0.15f) }, photos));

        StringAssert.Contains(error.Message, "2 of 11 pictures");
        StringAssert.Contains(error.Message, "BadRows.Skip(0.15");
        StringAssert.Contains(error.Message, BadPictures.All[0].Path);
    }

    [TestMethod]
    [DynamicData(nameof(Strategies))]
    public void BadValidationPicturesAreSkippedAndJudgedApartFromTheTrainingPictures(Strategy strategy)
    {
        var bad = BadPictures.All.Select(b => new Photo { Label = "dots", ImagePath = b.Path }).ToArray();
        var options = SmallTraining.Options with { Strategy = strategy, BadRows = BadRows.Skip(0.2f) };

        // 2 of 14 in the training data, 1 of 7 in the validation set; together they are more than a fifth of the smaller.
        using var model = SmallTraining.Fit(
            _ml, options with { Validation = Set([.. SmallPictures.Take(2, skip: 20), bad[2]]) },
            SmallPictures.Take(4).Concat(bad.Take(2)));

        Assert.HasCount(2, model.Report!.BadRows);
        Assert.HasCount(1, model.Report.ValidationBadRows);
        Assert.AreEqual(6, model.Report.ValidationRows);
        Assert.IsTrue(model.Report.Epochs.All(epoch => double.IsFinite(epoch.ValidationLoss!.Value)));
        Assert.ThrowsExactly<InvalidDataException>(
            () => SmallTraining.Fit(_ml, options with { Validation = Set([.. SmallPictures.Take(2, skip: 20), .. bad.Take(2)]) },
                SmallPictures.Take(4)));
    }

    [TestMethod]
    [DynamicData(nameof(Strategies))]
    public void NothingLeftToTrainOrToValidateIsAnError(Strategy strategy)
    {
        var bad = BadPictures.All.Select((b, i) => new Photo { Label = SmallPictures.Classes[i % 3], ImagePath = b.Path }).ToArray();
        var options = SmallTraining.Options with { Strategy = strategy, BadRows = BadRows.Skip(1) };

        var training = Assert.ThrowsExactly<InvalidOperationException>(() => SmallTraining.Fit(_ml, options, bad));
        StringAssert.Contains(training.Message, "None of the 6 training pictures could be read");
        var validation = Assert.ThrowsExactly<InvalidOperationException>(
            () => SmallTraining.Fit(_ml, options with { Validation = Set(bad) }, SmallPictures.Take(2)));
        StringAssert.Contains(validation.Message, "None of the 6 validation pictures could be read");
    }

    [TestMethod]
    [DynamicData(nameof(PictureSources.Names), typeof(PictureSources))]
    public void ABadRowOfEverySourceIsNamedOrSkippedAndCounted(string column)
    {
        if (column is nameof(EveryForm.Interleaved) or nameof(EveryForm.PlanarBgr))
            return; // any bytes are pixels
        var rows = PictureSources.Rows(perClass: 3);
        var path = Path.Combine(SmallPictures.NewFolder(), "missing.jpg");
        rows[4] = new EveryForm
        {
            Label = "dots",
            ImagePath = path,
            File = "<svg>"u8.ToArray(),
            Planar = Row(float.PositiveInfinity),
            ZeroToOne = Row(2)
        };
        var view = SmallTraining.WithKeys(_ml, _ml.Data.LoadFromEnumerable(rows));
        var options = PictureSources.Options(column) with { Epochs = 1 };
        var expected = column switch
        {
            nameof(EveryForm.ImagePath) => new BadRows.Row(4, path, "there is no such file"),
            nameof(EveryForm.File) => new BadRows.Row(4, null, "it is an SVG; convert it to JPEG or PNG"),
            nameof(EveryForm.Image) => new BadRows.Row(4, null, "the image is missing"),
            nameof(EveryForm.Planar) => new BadRows.Row(4, null, "value 0 is Infinity; it must be between 0 and RawPixels.White = 255"),
            _ => new BadRows.Row(4, null, "value 0 is 2; it must be between 0 and RawPixels.White = 1"),
        };

        var error = Assert.ThrowsExactly<InvalidDataException>(() => Fit(options));
        using var model = Fit(options with { BadRows = BadRows.Skip(0.2f) });
        var tooMany = Assert.ThrowsExactly<InvalidDataException>(() => Fit(options with { BadRows = BadRows.Skip(0.01f) }));

        StringAssert.Contains(error.Message, expected.ToString());
        CollectionAssert.AreEqual(new[] { expected }, model.Report!.BadRows.ToArray());
        Assert.AreEqual(8, model.Report.TrainingRows);
        StringAssert.Contains(tooMany.Message, $"1 of 9 pictures could not be read, more than BadRows.Skip(0.01) allows. "
            + $"Some of them: {expected}");

        static float[] Row(float first) => [first, .. new float[48 * 48 * 3 - 1]];

        FineTuningTransformer Fit(ImageFineTuningOptions with) => _ml.MulticlassClassification.Trainers.FineTuneImages(with).Fit(view);
    }

    private ValidationData Set(Photo[] photos) => ValidationData.Set(SmallPictures.View(_ml, photos));
}
