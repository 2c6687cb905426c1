using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Transforms;

/// <summary>Features that were computed before are found by the contents of pictures, and are the same to the bit.</summary>
[TestClass]
public sealed class CachedFeaturesTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly Photo[] _photos = SmallPictures.Take(30).Take(90).ToArray();

    [TestMethod]
    public void ASecondPassFindsEveryPictureAndGivesTheSameBits()
    {
        using var plain = Extractor(FeatureCache.None);
        using var extractor = Extractor(FeatureCache.InMemory());
        var view = SmallPictures.View(_ml, _photos);

        var first = Features(extractor.Transform(view));
        Assert.AreEqual((0L, 90L), (extractor.Cache!.Found, extractor.Cache.Kept));
        var second = Features(extractor.Transform(view));

        Assert.AreEqual((90L, 90L), (extractor.Cache.Found, extractor.Cache.Kept));
        SmallTraining.AssertSameBits(first, second);
        SmallTraining.AssertSameBits(Features(plain.Transform(view)), first);
        Assert.IsNull(plain.Cache);
    }

    [TestMethod]
    public void KnownNewAndBadPicturesMayStandInOneBatch()
    {
        using var extractor = Extractor(FeatureCache.InMemory());
        using var plain = Extractor(FeatureCache.None);
        Features(extractor.Transform(SmallPictures.View(_ml, _photos.Where((_, i) => i % 3 == 0))));
        var mixed = _photos.Take(40).ToList();
        foreach (var (n, (path, _)) in BadPictures.All.Index())
            mixed.Insert(n * 6, new Photo { ImagePath = path });

        var actual = Features(extractor.Transform(SmallPictures.View(_ml, mixed)));

        SmallTraining.AssertClose(
            [.. Features(plain.Transform(SmallPictures.View(_ml, mixed))).Where(row => !float.IsNaN(row[0]))],
            [.. actual.Where(row => !float.IsNaN(row[0]))]);
        for (var i = 0; i < mixed.Count; i++)
            Assert.AreEqual(mixed[i].Label.Length == 0, actual[i].All(float.IsNaN), $"row {i}");
        Assert.AreEqual(14, extractor.Cache!.Found);
        Assert.AreEqual(30 + 26, extractor.Cache.Kept);
    }

    [TestMethod]
    public void AFolderOutlivesTheTransformerAndBelongsToItsNetworkAndPooling()
    {
        using var folder = new Folder();
        var cache = FeatureCache.InFolder(folder.File("features"));
        float[][] first;
        using (var extractor = Extractor(cache))
            first = Features(extractor.Transform(SmallPictures.View(_ml, _photos)));

        using (var again = Extractor(cache))
        {
            SmallTraining.AssertSameBits(first, Features(again.Transform(SmallPictures.View(_ml, _photos))));
            Assert.AreEqual((90L, 0L), (again.Cache!.Found, again.Cache.Kept));
        }
        using (var other = Extractor(cache, new ImageFeatureOptions { Pooling = FeaturePooling.Max }))
        {
            Features(other.Transform(SmallPictures.View(_ml, _photos.Take(5))));
            Assert.AreEqual((0L, 5L), (other.Cache!.Found, other.Cache.Kept));
        }
        Assert.HasCount(2, Directory.GetDirectories(folder.File("features")));
        Assert.HasCount(2, Directory.GetFiles(folder.File("features"), "*", SearchOption.AllDirectories));
    }

    [TestMethod]
    public void ALoadedTransformerTakesACacheAndSharesTheNetwork()
    {
        using var extractor = Extractor(FeatureCache.InMemory());
        using var loaded = (FeaturesTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, extractor)), out _);
        using var cached = loaded.WithFeatureCache(FeatureCache.InMemory());
        loaded.Dispose();
        var view = SmallPictures.View(_ml, _photos.Take(20));

        SmallTraining.AssertSameBits(Features(cached.Transform(view)), Features(cached.Transform(view)));
        Assert.AreEqual((20L, 20L), (cached.Cache!.Found, cached.Cache.Kept));
        Assert.AreEqual(FeatureCache.InMemory(), cached.FeatureCache);
    }

    [TestMethod]
    public void WhatDoesNotFitIsComputedAgainAndTheLogSaysSo()
    {
        var log = new LogLines(_ml);
        var options = new ImageFeatureOptions
        {
            Pooling = FeaturePooling.MultiScale(
                ["layer1", "layer2", "layer3"], [.. Enumerable.Range(32, 16)], FeaturePooling.AverageAndMax),
        };
        using var extractor = Extractor(FeatureCache.InMemory(1), options);
        var view = SmallPictures.View(_ml, _photos.Take(60)); // 28 KB a picture

        SmallTraining.AssertClose(Features(extractor.Transform(view)), Features(extractor.Transform(view)));

        Assert.AreEqual(1048576 / (4 * extractor.FeatureCount), extractor.Cache!.Kept);
        Assert.HasCount(1, log.Warnings, log.ToString());
        StringAssert.Contains(log.Warnings[0], "No more features are kept");
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public async Task CursorsOnSeveralThreadsFillOneCacheTogether(bool inFolder)
    {
        const int Threads = 4;
        using var folder = new Folder();
        using var plain = Extractor(FeatureCache.None);
        var expected = Features(plain.Transform(SmallPictures.View(_ml, _photos)));
        using (var extractor = Extractor(inFolder ? FeatureCache.InFolder(folder.File("features")) : FeatureCache.InMemory()))
        {
            var view = extractor.Transform(SmallPictures.View(_ml, _photos));
            using var start = new Barrier(Threads);

            // Nothing is kept yet: the first opens the cache, and each computes, keeps and finds while others do.
            var results = await Task.WhenAll(Enumerable.Range(0, Threads).Select(_ => Task.Factory.StartNew(
                () =>
                {
                    start.SignalAndWait();
                    return Features(view);
                },
                CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));

            foreach (var result in results)
                SmallTraining.AssertClose(expected, result);
            Assert.AreEqual(90, extractor.Cache!.Kept);
            SmallTraining.AssertSameBits(Features(view), Features(view));
            Assert.AreEqual(90, extractor.Cache.Kept);
        }
        if (!inFolder)
            return;
        using var again = Extractor(FeatureCache.InFolder(folder.File("features")));
        SmallTraining.AssertClose(expected, Features(again.Transform(SmallPictures.View(_ml, _photos))));
        Assert.AreEqual((90L, 0L), (again.Cache!.Found, again.Cache.Kept));
    }

    [TestMethod]
    public void AFolderThatCannotBeUsedIsAPlainError()
    {
        using var folder = new Folder();
        File.WriteAllText(folder.File("features"), "a file");
        using var extractor = Extractor(FeatureCache.InFolder(folder.File("features")));
        var view = extractor.Transform(SmallPictures.View(_ml, _photos));

        for (var attempt = 0; attempt < 2; attempt++)
        {
            var error = Assert.ThrowsExactly<IOException>(() => Features(view));
            StringAssert.Contains(error.Message, "FeatureCache.InFolder");
            StringAssert.Contains(error.Message, "Give a folder that can be written");
        }
    }

    [TestMethod]
    public void APredictorFindsWhatItComputedAndGathersItInLargeFiles()
    {
        using var folder = new Folder();
        var path = folder.File("features");
        using (var extractor = Extractor(FeatureCache.InFolder(path)))
        {
            using (var predictor = _ml.Model.CreatePredictor<Photo, PhotoFeatures>(extractor))
            {
                var first = _photos.Select(photo => predictor.Predict(photo).Features).ToArray();
                var second = _photos.Select(photo => predictor.Predict(photo).Features).ToArray();
                SmallTraining.AssertSameBits(first, second);
            }
            Assert.AreEqual((90L, 90L), (extractor.Cache!.Found, extractor.Cache.Kept));
            Assert.HasCount(1, Directory.GetFiles(path, "*.features", SearchOption.AllDirectories)); // of 64; the others wait
        }
        Assert.HasCount(2, Directory.GetFiles(path, "*", SearchOption.AllDirectories));
        using var again = Extractor(FeatureCache.InFolder(path));
        Features(again.Transform(SmallPictures.View(_ml, _photos)));
        Assert.AreEqual((90L, 0L), (again.Cache!.Found, again.Cache.Kept));
    }

    [TestMethod]
    public void APredictionEngineTakesNoPartInTheCache()
    {
        using var extractor = Extractor(FeatureCache.InMemory());
        using var engine = _ml.Model.CreatePredictionEngine<Photo, PhotoFeatures>(extractor);
        Assert.HasCount(extractor.FeatureCount, engine.Predict(_photos[0]).Features);
        Assert.HasCount(extractor.FeatureCount, engine.Predict(_photos[0]).Features);
        Assert.AreEqual((0L, 0L), (extractor.Cache!.Found, extractor.Cache.Kept));
    }

    private FeaturesTransformer Extractor(FeatureCache cache, ImageFeatureOptions? options = null) =>
        _ml.Transforms.ExtractImageFeatures(
            "Features", "ImagePath", SmallTraining.Backbone, (options ?? new ImageFeatureOptions()) with { FeatureCache = cache })
            .Fit(SmallPictures.View(_ml, _photos));

    private static float[][] Features(IDataView view) => [.. view.GetColumn<float[]>("Features")];

    private sealed class PhotoFeatures
    {
        public float[] Features { get; set; } = [];
    }
}
