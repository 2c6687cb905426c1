using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Text;

/// <summary>The snippets of docs/text-features.md: they are compiled here, run here, and are the same there, line by line.</summary>
[TestClass]
public sealed class TextFeatureSnippetsTests
{
    private readonly MLContext ml = new(seed: 1);
    private readonly string folder = SmallTexts.Folder;

    private IDataView Rows => ml.Data.LoadFromEnumerable(SmallTexts.Take(80));

    [TestMethod]
    public void Chain()
    {
        var (texts, path) = (Rows, Path.Combine(SmallPictures.NewFolder(), "texts.zip"));
        // begin
        var pipeline = ml.Transforms.ExtractTextFeatures("Features", "Text", TextBackbone.FromFolder(folder))
            .Append(ml.Transforms.Conversion.MapValueToKey("Label", "Kind"))
            .AppendCacheCheckpoint(ml)
            .Append(ml.MulticlassClassification.Trainers.SdcaMaximumEntropy())
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        using var model = pipeline.Fit(texts);
        ml.Model.Save(model, texts.Schema, path);
        // end
        using var loaded = (TransformerChain<ITransformer>)new MLContext().Model.Load(path, out _);
        var right = loaded.Transform(texts).GetColumn<string>("PredictedLabel").Zip(texts.GetColumn<string>("Kind"))
            .Count(pair => pair.First == pair.Second);
        Assert.IsGreaterThan(65, right, "of 80 texts that it learned from");
        VerifyDocumented(nameof(Chain));
    }

    [TestMethod]
    public void Clusters()
    {
        var (texts, cache) = (Rows, SmallPictures.NewFolder());
        using var model = ml.MulticlassClassification.Trainers.FineTuneText(SmallTexts.Options)
            .Fit(SmallTexts.View(ml, SmallTexts.Take(80)));
        // begin
        var options = new TextFeatureOptions
        {
            MaximumLength = 24,
            FeatureCache = FeatureCache.InFolder(cache), // reused by other runs
        };
        using var features = ml.Transforms.ExtractTextFeatures("Features", "Text", TextBackbone.FromModel(model), options).Fit(texts);
        var clusters = ml.Clustering.Trainers.KMeans(numberOfClusters: 2).Fit(features.Transform(texts));
        // end
        Assert.AreEqual(2, clusters.Transform(features.Transform(texts)).GetColumn<uint>("PredictedLabel").Distinct().Count());
        VerifyDocumented(nameof(Clusters));
    }

    private static void VerifyDocumented(string method) =>
        Snippets.VerifyDocumented(Path.Combine("Text", "TextFeatureSnippetsTests.cs"), method, "text-features.md");
}
