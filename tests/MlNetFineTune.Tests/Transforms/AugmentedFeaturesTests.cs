using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Transforms;

/// <summary>AugmentImages, then ExtractImageFeatures, then a trainer of ML.NET.</summary>
[TestClass]
public sealed class AugmentedFeaturesTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void AStockTrainerLearnsFromFeaturesOfAugmentedPictures()
    {
        var train = SmallPictures.View(_ml, SmallPictures.Take(16));
        using var network = SmallTraining.LoadModel(_ml);
        var later = new FittedOn(_ml);
        using var model = _ml.Transforms.AugmentImages("Image", "ImagePath", Augmentation.Light)
            .Append(_ml.Transforms.ExtractImageFeatures("Features", "Image", Backbone.FromModel(network)))
            .Append(later)
            .Append(_ml.Transforms.Conversion.MapValueToKey("Label"))
            .AppendCacheCheckpoint(_ml)
            .Append(_ml.MulticlassClassification.Trainers.SdcaMaximumEntropy(maximumNumberOfIterations: 50))
            .Fit(train);

        var scored = model.Transform(SmallPictures.View(_ml, SmallPictures.Take(10, skip: 20)));

        Assert.IsGreaterThan(0.8, _ml.MulticlassClassification.Evaluate(scored).MicroAccuracy);
        var (fitted, plain) = (FeaturesOf(later.View!), FeaturesOf(model.Transform(train)));
        Assert.HasCount(48, fitted);
        Assert.IsGreaterThan(
            46, fitted.Zip(plain).Count(pair => !pair.First.SequenceEqual(pair.Second)), "augmented in training only");
    }

    // Augmented pictures are drawn from whole ones, so that pictures as they are must be whole ones, too.
    [TestMethod]
    public void ScoringDecodesAsTrainingDoes()
    {
        var (folder, photos) = LargeJpegs.Draw();
        var data = SmallPictures.View(_ml, photos);
        var later = new FittedOn(_ml);
        foreach (var pooling in new[] { FeaturePooling.Native, FeaturePooling.MultiScale(["layer3"], [32, 48], FeaturePooling.Average) })
        {
            using var model = _ml.Transforms.AugmentImages("Image", "ImagePath", Augmentation.None, imageFolder: folder)
                .Append(_ml.Transforms.ExtractImageFeatures(
                    "Features", "Image", SmallTraining.Backbone, new ImageFeatureOptions { Pooling = pooling }))
                .Append(later).Fit(data);

            SmallTraining.AssertSameBits(FeaturesOf(later.View!), FeaturesOf(model.Transform(data)));
        }
    }

    [TestMethod]
    public void TheStatusSaysWhyAPictureCannotBeReadAndAMissingOneStaysMissing()
    {
        var (cut, reason) = BadPictures.All.Single(bad => bad.Reason == "it is cut off");
        var good = SmallPictures.Take(1);
        using var model = _ml.Transforms.AugmentImages("Image", "ImagePath")
            .Append(_ml.Transforms.ExtractImageFeatures(
                "Features", "Image", SmallTraining.Backbone, new ImageFeatureOptions { ImageStatusColumnName = "Status" }))
            .Fit(SmallPictures.View(_ml, good));

        var scored = model.Transform(SmallPictures.View(
            _ml, [good[0], new Photo { ImagePath = cut }, new Photo { ImagePath = "" }, good[1]]));

        var status = scored.GetColumn<string>("Status").ToArray();
        Assert.AreEqual("", status[0]);
        StringAssert.Contains(status[1], reason);
        StringAssert.Contains(status[2], "the path is empty");
        Assert.AreEqual("", status[3]);
        CollectionAssert.AreEqual(
            new[] { true, false, false, true }, FeaturesOf(scored).Select(row => row.All(float.IsFinite)).ToArray());
    }

    private static float[][] FeaturesOf(IDataView view) => [.. view.GetColumn<float[]>("Features")];
}
