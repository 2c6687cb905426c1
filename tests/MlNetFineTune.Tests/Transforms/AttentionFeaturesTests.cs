using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Transforms;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Transforms;

/// <summary>Features by attention pooling: of a query that <c>Fit</c> learns on labels, or of a fine-tuned model.</summary>
[TestClass]
public sealed class AttentionFeaturesTests
{
    private static readonly ImageFeatureOptions s_learned = new() { Pooling = FeaturePooling.Attention(heads: 4, epochs: 3) };

    private static readonly Lazy<byte[]> s_model = new(() =>
    {
        var ml = new MLContext(seed: 1);
        using var model = SmallTraining.Fit(
            ml, SmallTraining.Options with { Pooling = HeadPooling.Attention(4), Epochs = 3 }, SmallPictures.Take(8));
        return SmallTraining.Save(ml, model);
    });

    private readonly MLContext _ml = new(seed: 1);

    private IDataView Known => SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(10)));

    [TestMethod]
    public void FitLearnsAQueryOnTheLabelsAndTheSameOneEveryTime()
    {
        using var features = Extractor(s_learned).Fit(Known);
        using var again = Extractor(s_learned).Fit(Known);
        using var average = Extractor(new ImageFeatureOptions { Pooling = FeaturePooling.Average }).Fit(Known);
        var (rows, means) = (Features(features), Features(average));

        Assert.AreEqual(128, features.FeatureCount);
        Assert.AreEqual("Attention(heads: 4)", $"{features.Pooling}");
        SmallTraining.AssertSameBits(rows, Features(again));
        Assert.IsTrue(rows.Zip(means).All(pair => pair.First.Zip(pair.Second).Any(one => Math.Abs(one.First - one.Second) > 1e-5)));
        VBuffer<ReadOnlyMemory<char>> names = default;
        features.Transform(Known).Schema["Features"].GetSlotNames(ref names);
        Assert.AreEqual("layer3.attention.127", names.GetItemOrDefault(127).ToString());
    }

    [TestMethod]
    public void TheFeaturesOfAModelAreTheInputOfItsHead()
    {
        using var model = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(s_model.Value), out _);
        var options = new ImageFeatureOptions { Pooling = FeaturePooling.AttentionOf(model) };
        using var extractor = _ml.Transforms.ExtractImageFeatures("Features", "ImagePath", Backbone.FromModel(model), options).Fit(Known);
        var expected = SmallTraining.Scores(model.Transform(Known));

        var features = Features(extractor);

        model.Scorer.Read(network =>
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var rows = tensor(features.SelectMany(row => row).ToArray(), [features.Length, 128]);
            var scores = nn.functional.softmax(((ImageNetwork)network).Head.forward(rows), dim: 1).Values();
            Fixture.AreClose([.. expected.SelectMany(row => row).Select(score => (double)score)], scores, 1e-5, "scores");
        });
    }

    [TestMethod]
    public void AQueryOfOtherWeightsIsTakenWithAWarning()
    {
        using var model = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(s_model.Value), out _);
        var options = new ImageFeatureOptions { Pooling = FeaturePooling.AttentionOf(model) };
        var log = new LogLines(_ml);

        _ml.Transforms.ExtractImageFeatures("Features", "ImagePath", Backbone.FromModel(model), options).Fit(Known).Dispose();
        Assert.DoesNotContain("other weights", log.ToString()!);
        _ml.Transforms.ExtractImageFeatures("Features", "ImagePath", SmallTraining.Backbone, options).Fit(Known).Dispose();

        Assert.Contains("was learned on other weights than those of this backbone", string.Join('\n', log.Warnings));
    }

    [TestMethod]
    public void AChainWithAStockTrainerIsSavedLoadedAndServed()
    {
        var photos = SmallPictures.View(_ml, SmallPictures.Take(12));
        using var chain = _ml.Transforms.Conversion.MapValueToKey("Label").Append(Extractor(s_learned))
            .Append(_ml.MulticlassClassification.Trainers.SdcaMaximumEntropy(maximumNumberOfIterations: 20)).Fit(photos);
        var zip = SmallTraining.Save(_ml, chain, photos.Schema);

        using var loaded = (TransformerChain<ITransformer>)new MLContext().Model.Load(new MemoryStream(zip), out _);

        var expected = chain.Transform(photos).GetColumn<float[]>("Features").ToArray();
        SmallTraining.AssertSameBits(expected, [.. loaded.Transform(photos).GetColumn<float[]>("Features")]);
        var extractor = loaded.OfType<FeaturesTransformer>().Single();
        Assert.AreEqual("Attention(heads: 4)", $"{extractor.Pooling}");
        using (var predictor = _ml.Model.CreatePredictor<Photo, Row>(extractor))
            SmallTraining.AssertClose([expected[1]], [predictor.Predict(SmallPictures.Take(12)[1]).Features]);
        var (first, second) = (Zip.Read(zip), Zip.Read(SmallTraining.Save(_ml, loaded, photos.Schema)));
        foreach (var (name, bytes) in first)
            CollectionAssert.AreEqual(bytes, second[name], name);
    }

    [TestMethod]
    public void BadPicturesAndAugmentImagesBeforeAreNoObstacle()
    {
        Photo[] photos = [.. SmallPictures.Take(8), new Photo { Label = "dots", ImagePath = BadPictures.All[0].Path }];
        using var chain = _ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(_ml.Transforms.AugmentImages("Image", "ImagePath", Augmentation.Light))
            .Append(_ml.Transforms.ExtractImageFeatures("Features", "Image", SmallTraining.Backbone, s_learned))
            .Fit(SmallPictures.View(_ml, photos));

        var features = chain.Transform(SmallPictures.View(_ml, photos)).GetColumn<float[]>("Features").ToArray();

        Assert.IsTrue(features[^1].All(float.IsNaN));
        Assert.IsTrue(features.SkipLast(1).All(row => row.All(float.IsFinite)));
    }

    [TestMethod]
    public void AnotherQueryHasFeaturesOfItsOwnInTheCache()
    {
        using var folder = new Folder();
        var cached = s_learned with { FeatureCache = FeatureCache.InFolder(folder.File("cache")) };
        using var first = Extractor(cached).Fit(Known);
        var rows = Features(first);
        first.Dispose();

        using var second = Extractor(cached with { Pooling = FeaturePooling.Attention(heads: 4, epochs: 1) }).Fit(Known);

        Assert.IsTrue(rows.Zip(Features(second)).All(pair => !pair.First.SequenceEqual(pair.Second)));
    }

    [TestMethod]
    public void WhatIsWrongIsSaidBeforeARowIsRead()
    {
        using var native = SmallTraining.LoadModel(_ml);
        using var model = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(s_model.Value), out _);
        var ofModel = new ImageFeatureOptions { Pooling = FeaturePooling.AttentionOf(model) };
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => FeaturePooling.Attention(heads: 0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => FeaturePooling.Attention(epochs: 0));
        foreach (var (action, part) in ((Action, string)[])[
            (() => FeaturePooling.Attention(" "), "labelColumnName"),
            (() => Extractor(new ImageFeatureOptions { Pooling = new FeaturePooling.LearnedAttention(4) }), "that of a fitted extractor"),
            (() => FeaturePooling.AttentionOf(native), "pools by Native: train it with"),
            (() => FeaturePooling.MultiScale(sizes: [64, 96], pooling: FeaturePooling.Attention()), "for one stage and one size"),
            (() => Extractor(new ImageFeatureOptions { Pooling = FeaturePooling.Attention("Kind") }).Fit(Known), "Kind"),
            (() => Extractor(new ImageFeatureOptions { Pooling = FeaturePooling.Attention("ImagePath") }).Fit(Known), "ImagePath"),
            // A chain asks each estimator what it will add before it fits any.
            (() => _ml.Transforms.CopyColumns("Copy", "Label")
                .Append(Extractor(new ImageFeatureOptions { Pooling = FeaturePooling.Attention("Kind") })).Fit(Known), "Kind"),
            (() => Extractor(new ImageFeatureOptions { Pooling = FeaturePooling.Attention(heads: 5) }).Fit(Known), "5 heads"),
            (() => _ml.Transforms.ExtractImageFeatures("Features", "ImagePath", Backbone.CifarResNet(20).FromScratch(), ofModel).Fit(Known),
                "for 128 channels, and resnet20 has 64")])
        {
            StringAssert.Contains(Assert.Throws<ArgumentException>(action).Message, part);
        }
    }

    [TestMethod]
    public void AHostileManifestIsRefusedWithASentence()
    {
        using var features = Extractor(s_learned).Fit(Known);
        var zip = SmallTraining.Save(_ml, features);
        foreach (var (change, part) in ((Action<JsonNode>, string)[])[
            (manifest => manifest["Encoder"]!["HeadPooling"]!["Heads"] = 64, "attn_pool.query"),
            (manifest => manifest["Encoder"]!["HeadPooling"]!["Heads"] = -1, "heads"),
            (manifest => manifest["Encoder"]!["HeadPooling"] = null, "attn_pool.query"),
            (manifest => manifest["Pooling"]!["Heads"] = -1, "no pooling 'Attention' with such values"),
            (manifest => manifest["Pooling"]!["Heads"] = 2, "does not fit a network whose head pools by Attention(heads: 4)"),
            (manifest => manifest["Pooling"]!["Kind"] = "Average", "does not fit a network whose head pools by Attention(heads: 4)")])
        {
            var changed = Zip.With(zip, "manifest.json", bytes =>
            {
                var manifest = JsonNode.Parse(bytes)!;
                change(manifest);
                return System.Text.Encoding.UTF8.GetBytes(manifest.ToJsonString());
            });
            var error = Assert.Throws<Exception>(() => _ml.Model.Load(new MemoryStream(changed), out _)).GetBaseException();
            Assert.IsTrue(error is InvalidDataException or NotSupportedException, $"{error}");
            StringAssert.Contains(error.Message, part);
        }
    }

    private ImageFeaturesEstimator Extractor(ImageFeatureOptions options) =>
        _ml.Transforms.ExtractImageFeatures("Features", "ImagePath", SmallTraining.Backbone, options);

    private float[][] Features(FeaturesTransformer extractor) => [.. extractor.Transform(Known).GetColumn<float[]>("Features")];

    private sealed class Row
    {
        public float[] Features { get; set; } = [];
    }
}
