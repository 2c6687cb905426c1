using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Transforms;

/// <summary>The snippets of docs/features.md: they are compiled here, run here, and are the same there, line by line.</summary>
[TestClass]
public sealed class FeatureSnippetsTests
{
    private readonly MLContext ml = new(seed: 1);
    private readonly Backbone backbone = SmallTraining.Backbone;

    private IDataView Photos => SmallPictures.View(ml, SmallPictures.Take(20));

    [TestMethod]
    public void Chain()
    {
        var (photos, path) = (Photos, Path.Combine(SmallPictures.NewFolder(), "photos.zip"));
        // begin
        var pipeline = ml.Transforms.ExtractImageFeatures("Features", "ImagePath", backbone)
            .Append(ml.Transforms.NormalizeMeanVariance("Features"))
            .Append(ml.Transforms.Conversion.MapValueToKey("Label"))
            .AppendCacheCheckpoint(ml)
            .Append(ml.MulticlassClassification.Trainers.SdcaMaximumEntropy())
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        using var model = pipeline.Fit(photos);
        ml.Model.Save(model, photos.Schema, path);
        // end
        using var loaded = (TransformerChain<ITransformer>)new MLContext().Model.Load(path, out _);
        var right = loaded.Transform(photos).GetColumn<string>("PredictedLabel").Zip(photos.GetColumn<string>("Label"))
            .Count(pair => pair.First == pair.Second);
        Assert.IsGreaterThan(40, right, "of 60 photos that it learned from");
        VerifyDocumented(nameof(Chain));
    }

    [TestMethod]
    public void Importance()
    {
        var photos = SmallTraining.WithKeys(ml, Photos);
        // begin
        using var features = ml.Transforms.ExtractImageFeatures("Features", "ImagePath", backbone).Fit(photos);
        var known = ml.Data.Cache(features.Transform(photos), "Features", "Label"); // the network runs once per photo
        var trees = ml.MulticlassClassification.Trainers.LightGbm(minimumExampleCountPerLeaf: 5).Fit(known);
        var importance = ml.MulticlassClassification.PermutationFeatureImportance((ITransformer)trees, known);
        // end
        Assert.HasCount(128, importance);
        Assert.IsTrue(importance.ContainsKey("layer3.native.17"));
        trees.Dispose();
        VerifyDocumented(nameof(Importance));
    }

    [TestMethod]
    public void Clusters()
    {
        var (photos, folder) = (Photos, SmallPictures.NewFolder());
        using var model = SmallTraining.LoadModel(ml);
        // begin
        var options = new ImageFeatureOptions
        {
            Pooling = FeaturePooling.MultiScale(["layer2", "layer3"]),
            FeatureCache = FeatureCache.InFolder(folder), // reused by other runs
        };
        using var features = ml.Transforms.ExtractImageFeatures("Features", "ImagePath", Backbone.FromModel(model), options).Fit(photos);
        var clusters = ml.Clustering.Trainers.KMeans(numberOfClusters: 3).Fit(features.Transform(photos));
        foreach (var layer in model.Layers)
            Console.WriteLine(layer);
        // end
        Assert.AreEqual(3, clusters.Transform(features.Transform(photos)).GetColumn<uint>("PredictedLabel").Distinct().Count());
        VerifyDocumented(nameof(Clusters));
    }

    [TestMethod]
    public void Attention()
    {
        var photos = SmallTraining.WithKeys(ml, Photos);
        // begin
        using var model = ml.MulticlassClassification.Trainers.FineTuneImages(new ImageFineTuningOptions
        {
            Backbone = backbone,
            Pooling = HeadPooling.Attention(), // 8 heads, trained with the linear head
        }).Fit(photos);
        var ofModel = new ImageFeatureOptions { Pooling = FeaturePooling.AttentionOf(model) };
        using var features = ml.Transforms.ExtractImageFeatures("Features", "ImagePath", Backbone.FromModel(model), ofModel).Fit(photos);
        var ofLabels = new ImageFeatureOptions { Pooling = FeaturePooling.Attention("Label") }; // Fit learns the query
        using var others = ml.Transforms.ExtractImageFeatures("Features", "ImagePath", backbone, ofLabels).Fit(photos);
        // end
        Assert.AreEqual((128, 128), (features.FeatureCount, others.FeatureCount));
        VerifyDocumented(nameof(Attention));
    }

    private static void VerifyDocumented(string method) =>
        Snippets.VerifyDocumented(Path.Combine("Transforms", "FeatureSnippetsTests.cs"), method, "features.md");
}
