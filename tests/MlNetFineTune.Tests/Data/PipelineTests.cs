using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Data;

/// <summary>The trainer among ML.NET's own transforms.</summary>
[TestClass]
public sealed class PipelineTests
{
    private readonly MLContext _ml = new();

    [TestMethod]
    public void APipelineOfPathsIsFittedEvaluatedAndGivesLabelsBack()
    {
        var train = SmallPictures.View(_ml, SmallPictures.Take(20));
        var test = SmallPictures.View(_ml, SmallPictures.Take(8, skip: 20));
        var pipeline = _ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(_ml.MulticlassClassification.Trainers.FineTuneImages(SmallTraining.Options with { Epochs = 6 }))
            .Append(_ml.Transforms.Conversion.MapKeyToValue("PredictedText", "PredictedLabel"));

        using var model = pipeline.Fit(train);
        var scored = model.Transform(test);
        var metrics = _ml.MulticlassClassification.Evaluate(scored);

        Assert.IsGreaterThanOrEqualTo(0.9, metrics.MicroAccuracy);
        Assert.IsTrue(metrics.LogLoss is > 0 and < 1, $"log-loss {metrics.LogLoss}");
        Assert.AreEqual(metrics.MicroAccuracy, metrics.F1().Micro, 1e-9);
        var predicted = scored.GetColumn<string>("PredictedText").ToArray();
        var right = predicted.Zip(SmallPictures.Take(8, skip: 20), (text, photo) => text == photo.Label).Count(equal => equal);
        Assert.AreEqual(metrics.MicroAccuracy, right / 24.0, 1e-9);
        foreach (var scores in SmallTraining.Scores(scored))
            Assert.AreEqual(1, scores.Sum(), 1e-5f);
        CollectionAssert.AreEqual(SmallPictures.Classes, SlotNames(scored.Schema["Score"]));
    }

    [TestMethod]
    public void AnImageColumnOfLoadImagesServesAsWellAsPaths()
    {
        var train = SmallPictures.Take(20)
            .Select(photo => new Photo { Label = photo.Label, ImagePath = Path.GetRelativePath(SmallPictures.Folder, photo.ImagePath) });
        var view = SmallPictures.View(_ml, train);
        var pipeline = _ml.Transforms.LoadImages("Image", SmallPictures.Folder, "ImagePath")
            .Append(_ml.Transforms.Conversion.MapValueToKey("Label"))
            .Append(_ml.MulticlassClassification.Trainers.FineTuneImages(
                SmallTraining.Options with { ImageColumnName = "Image", Epochs = 6 }))
            .Append(_ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));

        using var model = pipeline.Fit(view);
        var scored = model.Transform(view);

        Assert.IsGreaterThanOrEqualTo(0.9, _ml.MulticlassClassification.Evaluate(scored).MicroAccuracy);
        Assert.IsInstanceOfType<TextDataViewType>(scored.Schema["PredictedLabel"].Type);
        CollectionAssert.IsSubsetOf(scored.GetColumn<string>("PredictedLabel").Distinct().ToArray(), SmallPictures.Classes);
    }

    [TestMethod]
    public void PathsAndImagesOfTheSamePicturesScoreTheSame()
    {
        // PNG alone: our JPEGs are decoded at a smaller size where that covers the network's input.
        var view = SmallTraining.WithKeys(
            _ml,
            SmallPictures.View(_ml, SmallPictures.Take(16).Where(photo => photo.ImagePath.EndsWith(".png", StringComparison.Ordinal))));
        var loaded = _ml.Transforms.LoadImages("Image", "", "ImagePath").Fit(view).Transform(view);
        var options = SmallTraining.Options with { Epochs = 1 };
        using var byPath = _ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(view);
        using var byImage = _ml.MulticlassClassification.Trainers.FineTuneImages(options with { ImageColumnName = "Image" }).Fit(loaded);

        CollectionAssert.AreEqual(SmallTraining.WeightsOf(byPath), SmallTraining.WeightsOf(byImage));
        SmallTraining.AssertSameBits(SmallTraining.Scores(byPath.Transform(view)), SmallTraining.Scores(byImage.Transform(loaded)));
    }

    [TestMethod]
    public void RelativePathsAreLookedForInTheImageFolder()
    {
        var photos = SmallPictures.Take(6);
        var relative =
            photos.Select(
                photo => new Photo { Label = photo.Label, ImagePath = Path.GetRelativePath(SmallPictures.Folder, photo.ImagePath) })
            .ToArray();
        using var absolute = SmallTraining.Fit(_ml, SmallTraining.Options with { Epochs = 1 }, photos);
        using var model = SmallTraining.Fit(_ml, SmallTraining.Options with { Epochs = 1, ImageFolder = SmallPictures.Folder }, relative);

        CollectionAssert.AreEqual(SmallTraining.WeightsOf(absolute), SmallTraining.WeightsOf(model));
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, model)), out _);
        SmallTraining.AssertSameBits(SmallTraining.Scores(absolute.Transform(SmallPictures.View(_ml, photos))),
            SmallTraining.Scores(loaded.Transform(SmallPictures.View(_ml, relative))));
    }

    [TestMethod]
    public void TheShortOverloadTakesColumnNamesAndAValidationSet()
    {
        var view = _ml.Transforms.CopyColumns("Klass", "Label").Append(_ml.Transforms.CopyColumns("File", "ImagePath"))
            .Append(_ml.Transforms.DropColumns("Label", "ImagePath")).Append(_ml.Transforms.Conversion.MapValueToKey("Klass"))
            .Fit(SmallPictures.View(_ml, SmallPictures.Take(4))).Transform(SmallPictures.View(_ml, SmallPictures.Take(4)));
        var trainer = _ml.MulticlassClassification.Trainers.FineTuneImages(
            SmallTraining.Backbone, "Klass", "File", "Probabilities", "Guess", validationSet: view);

        using var model = trainer.Fit(view);
        var scored = model.Transform(view);

        Assert.AreEqual(12, model.Report!.ValidationRows);
        Assert.AreEqual(12, model.Report.TrainingRows);
        Assert.HasCount(12, SmallTraining.Scores(scored, "Probabilities"));
        Assert.IsTrue(SmallTraining.PredictedKeys(scored, "Guess").All(key => key is >= 1 and <= 3));
        Assert.IsNull(scored.Schema.GetColumnOrNull("Score"));
        Assert.AreEqual(_ml.MulticlassClassification.Evaluate(scored, "Klass", "Probabilities", "Guess").MicroAccuracy,
            model.Report.Epochs[model.Report.BestEpoch - 1].ValidationAccuracy!.Value, 1e-9);
    }

    [TestMethod]
    public void ABackboneWithoutWeightsIsRefusedAndSaysWhatToWrite()
    {
        var error = Assert.ThrowsExactly<ArgumentException>(() => _ml.MulticlassClassification.Trainers.FineTuneImages(Backbone.Micro));

        StringAssert.Contains(error.Message, ".WithWeights(");
        StringAssert.Contains(error.Message, ".FromScratch()");
    }

    [TestMethod]
    public void AnImageModelWorksAfterACacheAndACacheCheckpoint()
    {
        var view = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(6)));
        var trainer = _ml.MulticlassClassification.Trainers.FineTuneImages(SmallTraining.Options with { Epochs = 1 });
        using var plain = trainer.Fit(view);
        using var cached = trainer.Fit(_ml.Data.Cache(view));
        using var checkpointed = _ml.Transforms.CopyColumns("Copy", "ImagePath").AppendCacheCheckpoint(_ml).Append(trainer).Fit(view);

        CollectionAssert.AreEqual(SmallTraining.WeightsOf(plain), SmallTraining.WeightsOf(cached));
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(plain), SmallTraining.WeightsOf(checkpointed.LastTransformer));
        SmallTraining.AssertSameBits(SmallTraining.Scores(plain.Transform(view)),
            SmallTraining.Scores(cached.Transform(_ml.Data.Cache(view))));
    }

    internal static string[] SlotNames(DataViewSchema.Column column)
    {
        VBuffer<ReadOnlyMemory<char>> names = default;
        column.GetSlotNames(ref names);
        return [.. names.DenseValues().Select(name => name.ToString())];
    }
}
