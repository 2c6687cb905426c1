using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Transforms;

/// <summary>ML.NET's own trainers on features of real photos.</summary>
[TestClass]
[TestCategory(Categories.Slow)]
public sealed class StockTrainersOnFeaturesTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void SdcaAndLightGbmLearnAntsFromBees()
    {
        var (train, test) = (AntsAndBees("train", 60), AntsAndBees("val", 40));
        using var features = Features().Fit(train);
        var (known, held) = (Cached(features.Transform(train)), Cached(features.Transform(test)));

        foreach (var (trainer, least) in (IEnumerable<(IEstimator<ITransformer>, double)>)[
            (_ml.BinaryClassification.Trainers.SdcaLogisticRegression("IsBee"), 0.8),
            (_ml.BinaryClassification.Trainers.LightGbm("IsBee", minimumExampleCountPerLeaf: 5), 0.75)])
        {
            var model = trainer.Fit(known);
            Assert.IsGreaterThan(least, _ml.BinaryClassification.EvaluateNonCalibrated(model.Transform(held), "IsBee").Accuracy);
            (model as IDisposable)?.Dispose();
        }
    }

    // The chain is what a user writes; the importance is that of the trees' own features, by the names of their slots.
    [TestMethod]
    public void PermutationImportanceNamesTheFeatures()
    {
        var train = AntsAndBees("train", 60);
        using var features = Features(FeaturePooling.Max).Fit(train);
        var known = Cached(features.Transform(train));
        var model = _ml.BinaryClassification.Trainers.LightGbm("IsBee", minimumExampleCountPerLeaf: 5, numberOfIterations: 10).Fit(known);

        var importance = _ml.BinaryClassification.PermutationFeatureImportanceNonCalibrated(
            (ITransformer)model, known, "IsBee", permutationCount: 1);

        Assert.HasCount(256, importance);
        Assert.IsTrue(importance.Keys.All(name => name.StartsWith("blocks.4.max.", StringComparison.Ordinal)),
            importance.Keys.First());
        Assert.IsGreaterThan(0, importance.Values.Count(metrics => metrics.AreaUnderRocCurve.Mean < 0));
    }

    [TestMethod]
    public void KMeansPartsFlowersFromConcrete()
    {
        Picture[] photos = [.. Photos("flowers/train", 40, isOther: false), .. Photos("deck-cracks", 40, isOther: true)];
        var view = _ml.Data.LoadFromEnumerable(photos);
        using var chain = Features().Append(_ml.Transforms.NormalizeLpNorm("Features"))
            .Append(_ml.Clustering.Trainers.KMeans(numberOfClusters: 2)).Fit(view);

        var clusters = chain.Transform(view).GetColumn<uint>("PredictedLabel").ToArray();

        var agree = clusters.Zip(photos).Count(pair => (pair.First == clusters[0]) == (pair.Second.IsOther == photos[0].IsOther));
        Assert.IsGreaterThan(75, agree);
    }

    [TestMethod]
    public void PcaFindsThePhotosThatAreOfSomethingElse()
    {
        var train = _ml.Data.LoadFromEnumerable(Photos("deck-cracks", 60, isOther: false));
        Picture[] mixed = [.. Photos("deck-cracks", 100, isOther: false).Skip(60), .. Photos("flowers/val", 40, isOther: true)];
        using var chain = Features().Append(_ml.AnomalyDetection.Trainers.RandomizedPca(rank: 10)).Fit(train);

        var metrics = _ml.AnomalyDetection.Evaluate(
            chain.Transform(_ml.Data.LoadFromEnumerable(mixed)), nameof(Picture.Other), falsePositiveCount: 5);

        Assert.IsGreaterThan(0.9, metrics.AreaUnderRocCurve);
    }

    private ImageFeaturesEstimator Features(FeaturePooling? pooling = null) => _ml.Transforms.ExtractImageFeatures(
        "Features", "ImagePath",
        Backbone.MobileNetV1(0.25f).WithWeights(SharedData.RequireOrSkip("weights/mobilenetv1_025.safetensors")),
        new ImageFeatureOptions { Pooling = pooling ?? FeaturePooling.Native });

    private IDataView Cached(IDataView view) => _ml.Data.Cache(view, "Features", "IsBee");

    private IDataView AntsAndBees(string part, int each) => _ml.Data.LoadFromEnumerable(
        Photos($"ants-bees/{part}/ants", each, isOther: false).Concat(Photos($"ants-bees/{part}/bees", each, isOther: true)).ToArray());

    // Of every folder below, every so many.
    private static Picture[] Photos(string folder, int count, bool isOther)
    {
        string[] all = [.. Directory.EnumerateFiles(
            SharedData.RequireOrSkip(Path.Combine("data", folder)), "*.jpg", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        return [.. Enumerable.Range(0, count).Select(i => new Picture
        {
            ImagePath = all[(int)((long)i * all.Length / count)],
            IsBee = isOther,
            IsOther = isOther,
            Other = isOther ? 1 : 0,
        })];
    }

    private sealed class Picture
    {
        public string ImagePath { get; set; } = "";

        public bool IsBee { get; set; }

        public bool IsOther { get; set; }

        public float Other { get; set; } // ML.NET's anomaly metrics want a number
    }
}
