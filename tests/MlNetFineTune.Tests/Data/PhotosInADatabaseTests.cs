using Microsoft.ML;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using PhotosInSqlite;

namespace MlNetFineTune.Tests.Data;

/// <summary>BLOBs of a database through ML.NET's own loader, as samples/PhotosInSqlite reads them.</summary>
[TestClass]
public sealed class PhotosInADatabaseTests
{
    private readonly MLContext _ml = new();
    private readonly string _database = Path.Combine(SmallPictures.NewFolder(), "photos.db");

    [TestMethod]
    public void BlobsTrainTheSameWeightsAsFilesAndScoreTheSame()
    {
        var photos = SmallPictures.Take(6);
        PhotoDatabase.Create(_database, photos.Select((photo, i) => ("train", photo.Label, File.ReadAllBytes(photo.ImagePath))));
        var blobs = SmallTraining.WithKeys(_ml, PhotoDatabase.Load(_ml, _database, "train"));
        var options = SmallTraining.Options with { Augmentation = Augmentation.Light, Validation = ValidationData.Fraction(0.2f) };

        using var ofFiles = SmallTraining.Fit(_ml, options, photos);
        using var ofBlobs = _ml.MulticlassClassification.Trainers.FineTuneImages(options with { ImageColumnName = "Photo" }).Fit(blobs);

        CollectionAssert.AreEqual(SmallTraining.WeightsOf(ofFiles), SmallTraining.WeightsOf(ofBlobs));
        SmallTraining.AssertSameBits(SmallTraining.Scores(ofFiles.Transform(SmallPictures.View(_ml, photos))),
            SmallTraining.Scores(ofBlobs.Transform(blobs)));
    }

    [TestMethod]
    public void ARowWithoutAPhotoIsABadRow()
    {
        var photos = SmallPictures.Take(4);
        PhotoDatabase.Create(_database,
            photos.Select((photo, i) => ("train", photo.Label, i == 5 ? [] : File.ReadAllBytes(photo.ImagePath))));
        var trainer = _ml.MulticlassClassification.Trainers.FineTuneImages(
            SmallTraining.Options with { ImageColumnName = "Photo", BadRows = BadRows.Skip(), Epochs = 1 });

        using var model = trainer.Fit(SmallTraining.WithKeys(_ml, PhotoDatabase.Load(_ml, _database, "train")));

        CollectionAssert.AreEqual(new[] { new BadRows.Row(5, null, "the picture has no bytes") }, model.Report!.BadRows.ToArray());
    }
}
