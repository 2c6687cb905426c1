using Microsoft.ML;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Training;

[TestClass]
public sealed class CrossValidationTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void EachFoldStartsFreshAsIfItWereFittedByHand()
    {
        var data = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(10)));
        var trainer = _ml.MulticlassClassification.Trainers.FineTuneImages(
            SmallTraining.Options with { Validation = ValidationData.Fraction(0.2f), EarlyStoppingPatience = 1 });

        var folds = _ml.MulticlassClassification.CrossValidate(data, trainer, numberOfFolds: 3, seed: 4);
        var splits = _ml.Data.CrossValidationSplit(data, numberOfFolds: 3, seed: 4);

        Assert.HasCount(3, folds);
        foreach (var (fold, split) in folds.Zip(splits))
        {
            using var model = trainer.Fit(split.TrainSet);
            CollectionAssert.AreEqual(SmallTraining.WeightsOf(model), SmallTraining.WeightsOf((FineTuningTransformer)fold.Model));
            SmallTraining.AssertSameBits(SmallTraining.Scores(model.Transform(split.TestSet)), SmallTraining.Scores(fold.ScoredHoldOutSet));
            Assert.AreEqual(_ml.MulticlassClassification.Evaluate(model.Transform(split.TestSet)).LogLoss, fold.Metrics.LogLoss, 1e-9);
            ((IDisposable)fold.Model).Dispose();
        }
    }

    [TestMethod]
    public void AWholePipelineIsCrossValidatedAndItsModelsAreTheUsersToDispose()
    {
        var pipeline = _ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(_ml.MulticlassClassification.Trainers.FineTuneImages(SmallTraining.Options with { Epochs = 5 }));

        var folds = _ml.MulticlassClassification.CrossValidate(SmallPictures.View(_ml, SmallPictures.Take(15)), pipeline, numberOfFolds: 3);

        Assert.IsGreaterThan(0.7, folds.Average(fold => fold.Metrics.MicroAccuracy));
        foreach (var fold in folds)
            ((IDisposable)fold.Model).Dispose();
    }

    [TestMethod]
    public void AClassThatAFoldLacksKeepsItsScore()
    {
        var rare = SmallPictures.Take(9).Where((photo, i) => photo.Label != "rings" || i == 1);
        var data = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, rare));
        var trainer = _ml.MulticlassClassification.Trainers.FineTuneImages(SmallTraining.Options with { Epochs = 1 });

        foreach (var fold in _ml.MulticlassClassification.CrossValidate(data, trainer, numberOfFolds: 3))
        {
            Assert.IsTrue(SmallTraining.Scores(fold.ScoredHoldOutSet).All(scores => scores.Length == 3 && scores.All(float.IsFinite)));
            Assert.IsTrue(double.IsFinite(fold.Metrics.LogLoss));
            ((IDisposable)fold.Model).Dispose();
        }
    }
}
