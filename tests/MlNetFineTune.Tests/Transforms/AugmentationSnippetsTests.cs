using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Transforms;

/// <summary>The snippets of docs/augmentation.md on transforms and photos: they are compiled here, run here, and are the same there, line
/// by line.</summary>
[TestClass]
public sealed class AugmentationSnippetsTests
{
    private readonly MLContext ml = new(seed: 1);
    private readonly string folder = SmallPictures.Folder;

    private IDataView Photos => SmallPictures.View(ml, SmallPictures.Take(10));

    [TestMethod]
    public void Chain()
    {
        var photos = Photos;
        var backbone = SmallTraining.Backbone;
        // begin
        var pipeline = ml.Transforms.LoadImages("Image", folder, "ImagePath")
            .Append(ml.Transforms.AugmentImages("Image", augmentation: Augmentation.Standard))
            .Append(ml.Transforms.Conversion.MapValueToKey("Label"))
            .Append(ml.MulticlassClassification.Trainers.FineTuneImages(backbone, imageColumnName: "Image"));
        // end
        using var model = pipeline.Fit(ml.Data.TakeRows(photos, 15));
        Assert.HasCount(30, SmallTraining.Scores(model.Transform(photos)));
        Verify(nameof(Chain));
    }

    [TestMethod]
    public void Rows()
    {
        var (train, path) = (Photos, Path.Combine(SmallPictures.NewFolder(), "photos.zip"));
        // begin
        var images = ml.Transforms.LoadImages("Image", folder, "ImagePath").Fit(train);
        var larger = ml.Data.Augment(images.Transform(train), copies: 3, Augmentation.Standard);
        var pipeline = ml.Transforms.ResizeImages("Image", 24, 24)
            .Append(ml.Transforms.ExtractPixels("Features", "Image", scaleImage: 1 / 255f))
            .Append(ml.Transforms.Conversion.MapValueToKey("Label"))
            .AppendCacheCheckpoint(ml)   // otherwise each pass of the trainer augments all pictures again
            .Append(ml.MulticlassClassification.Trainers.SdcaMaximumEntropy(maximumNumberOfIterations: 50))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        using var model = images.Append(pipeline.Fit(larger));   // scoring uses the original photos
        ml.Model.Save(model, train.Schema, path);
        var folds = ml.MulticlassClassification.CrossValidate(larger, pipeline, numberOfFolds: 3, samplingKeyColumnName: "OriginalRow");
        // end
        using var loaded = (TransformerChain<ITransformer>)new MLContext().Model.Load(path, out _);
        CollectionAssert.AreEqual(
            model.Transform(train).GetColumn<string>("PredictedLabel").ToArray(),
            loaded.Transform(train).GetColumn<string>("PredictedLabel").ToArray());
        Assert.HasCount(3, folds);
        Verify(nameof(Rows));
    }

    [TestMethod]
    public void ShrunkPhotos()
    {
        var usual = SmallTraining.Options;
        // begin
        var options = usual with { PictureCache = PictureCache.InFolder("pictures") };
        // end
        Assert.AreEqual("InFolder(longestSide: 64)", options.PictureCache.Description(options.Backbone.Preprocessing));
        Verify(nameof(ShrunkPhotos));
    }

    private static void Verify(string method) =>
        Snippets.VerifyDocumented(Path.Combine("Transforms", "AugmentationSnippetsTests.cs"), method, "augmentation.md");
}
