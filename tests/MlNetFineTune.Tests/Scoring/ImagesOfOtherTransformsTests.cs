using Microsoft.ML;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Scoring;

/// <summary>ML.NET's image transforms free an image when they move to the next row; a batch must not depend on it.</summary>
[TestClass]
public sealed class ImagesOfOtherTransformsTests
{
    [TestMethod]
    public void ImagesThatResizingPassesOnAsTheyAreCanBeScored()
    {
        var ml = new MLContext();
        using var model = Train(ml, Resized(ml, SmallPictures.Take(4)));

        var scores = SmallTraining.Scores(model.Transform(Resized(ml, SmallPictures.Take(12, skip: 4))));

        Assert.HasCount(36, scores);
        Assert.IsTrue(scores.All(row => row.All(float.IsFinite)));
    }

    [TestMethod]
    public void ACursorThatEndsBeforeTheBatchIsScoredLosesNoImage()
    {
        var ml = new MLContext();
        using var model = Train(ml, Resized(ml, SmallPictures.Take(4)));
        var view = Resized(ml, SmallPictures.Take(12, skip: 4));

        var all = SmallTraining.Scores(model.Transform(view));
        var first = SmallTraining.Scores(model.Transform(ml.Data.TakeRows(view, 5)));

        SmallTraining.AssertClose(all[..5], first);
    }

    // The pictures are 48 pixels wide already: ResizeImages passes on the loader's images.
    private static IDataView Resized(MLContext ml, IEnumerable<Photo> photos)
    {
        var data = SmallTraining.WithKeys(ml, SmallPictures.View(ml, photos));
        return ml.Transforms.LoadImages("Image", imageFolder: "", "ImagePath")
            .Append(ml.Transforms.ResizeImages("Image", 48, 48))
            .Fit(data).Transform(data);
    }

    private static FineTuningTransformer Train(MLContext ml, IDataView data) =>
        ml.MulticlassClassification.Trainers.FineTuneImages(SmallTraining.Options with { ImageColumnName = "Image" }).Fit(data);
}
