using Microsoft.ML;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Networks;

/// <summary>
/// Pipelines with token networks, LayerNorm, and squeeze-and-excitation: training, cached features, saving, loading and equal scores.
/// </summary>
[TestClass]
public sealed class NewerNetworksInPipelinesTests
{
    private readonly MLContext _ml = new(seed: 1);

    private static Backbone Named(string name) => Backbone.FromName(name)
        .FromScratch() with
    { Preprocessing = SmallTraining.Backbone.Preprocessing };

    [TestMethod]
    [DataRow("vit_tiny_patch16_224")]
    [DataRow("vit_tiny_patch16_224_mean")]
    [DataRow("mobilenetv3_small_050")]
    [DataRow("efficientnet_b0")]
    public void WhatIsTrainedIsSavedAndScoresTheSameAfterLoading(string name)
    {
        using var model = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Backbone = Named(name), Strategy = Strategy.LastStages(2), Epochs = 1 },
            SmallPictures.Take(3));
        var zip = SmallTraining.Save(_ml, model);
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(zip), out _);
        var test = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(4, skip: 10)));
        var scores = SmallTraining.Scores(model.Transform(test));
        SmallTraining.AssertSameBits(scores, SmallTraining.Scores(loaded.Transform(test)));
        Assert.IsTrue(scores.All(row => Math.Abs(row.Sum() - 1) < 1e-5));
    }

    /// <summary>Training with cached tokens or maps of the frozen stages equals training that recomputes them in each epoch.</summary>
    [TestMethod]
    [DataRow("vit_tiny_patch16_224", 0)]
    [DataRow("vit_tiny_patch16_224", 1)]
    [DataRow("mobilenetv3_small_050", 0)]
    [DataRow("mobilenetv3_small_050", 1)]
    public void CachedFeaturesTrainAsFreshOnes(string name, int stages)
    {
        var options = SmallTraining.Options with
        {
            Backbone = Named(name),
            Strategy = stages == 0 ? Strategy.HeadOnly : Strategy.LastStages(stages),
            Epochs = 2
        };
        using var cached = SmallTraining.Fit(_ml, options, SmallPictures.Take(3));
        using var fresh = SmallTraining.Fit(_ml, options with { FeatureCache = FeatureCache.None }, SmallPictures.Take(3));
        var test = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(4, skip: 10)));
        SmallTraining.AssertClose(SmallTraining.Scores(cached.Transform(test)), SmallTraining.Scores(fresh.Transform(test)), 1e-4f);
    }

    [TestMethod]
    public void ATransformerLearnsThePictures()
    {
        var options = SmallTraining.Options with { Backbone = Named("vit_tiny_patch16_224"), LearningRate = 3e-4f, Epochs = 6 };
        using var model = SmallTraining.Fit(_ml, options, SmallPictures.Take(20));
        var test = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(8, skip: 20)));
        Assert.IsGreaterThan(0.8, _ml.MulticlassClassification.Evaluate(model.Transform(test)).MicroAccuracy);
    }
}
