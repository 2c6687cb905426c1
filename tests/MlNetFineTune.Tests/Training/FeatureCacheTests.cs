using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Training;

/// <summary>What is frozen is computed once, and changes nothing.</summary>
[TestClass]
public sealed class FeatureCacheTests
{
    private const int Stages = 4; // of the micro network
    private const int DryRuns = 1; // a black picture, for the shape

    private static readonly ImageFineTuningOptions s_head = SmallTraining.Options with { Strategy = Strategy.HeadOnly, Epochs = 3 };

    private readonly MLContext _ml = new();
    private readonly Photo[] _photos = SmallPictures.Take(8);

    [TestMethod]
    public void EpochsOfHeadOnlyCostOnePassThroughTheBackboneWithValidation()
    {
        var (network, report) = CountingNetwork.Train(_photos, s_head with { Epochs = 8, Validation = ValidationData.Fraction(0.25f) });

        CollectionAssert.AreEqual(Enumerable.Repeat(24L + DryRuns, Stages).ToArray(), network.RowsThroughStage.ToArray());
        Assert.AreEqual((24, 0), (report.FeatureCache!.RowsComputed, report.FeatureCache.RowsFound));
        Assert.HasCount(8, report.Epochs);

        var (
            uncached, _) = CountingNetwork.Train(_photos,
            s_head with { Epochs = 8, Validation = ValidationData.Fraction(0.25f), FeatureCache = FeatureCache.None });
        CollectionAssert.AreEqual(Enumerable.Repeat(8 * 24L, Stages).ToArray(), uncached.RowsThroughStage.ToArray());
    }

    [TestMethod]
    public void FixedViewsCostOnePassEachHoweverManyEpochs()
    {
        var options = s_head with
        {
            Epochs = 9,
            Augmentation = Augmentation.FixedViews(
            Augmentation.Light, 3),
            Validation = ValidationData.Fraction(0.25f)
        };
        var (network, report) = CountingNetwork.Train(_photos, options);

        CollectionAssert.AreEqual(Enumerable.Repeat(3 * 18L + 6 + DryRuns, Stages).ToArray(), network.RowsThroughStage.ToArray());
        Assert.AreEqual((60, 0), (report.FeatureCache!.RowsComputed, report.FeatureCache.RowsFound));
        var (few, _) = CountingNetwork.Train(_photos, options with { Epochs = 2 });
        CollectionAssert.AreEqual(Enumerable.Repeat(2 * 18L + 6 + DryRuns, Stages).ToArray(), few.RowsThroughStage.ToArray(),
            "the third view is never seen");
    }

    [TestMethod]
    public void EachPartOfAPlanComputesItsOwnFrozenStagesOnce()
    {
        var plan = new PlanRules([PhaseRule.Of(Stages, 0, 1, epochs: 3), PhaseRule.Of(Stages, 1, 1, epochs: 2)]);
        var (network, report) = CountingNetwork.Train(_photos, s_head with { Epochs = 5 }, plan);

        var once = 24L + DryRuns;
        CollectionAssert.AreEqual(new[] { 2 * once, 2 * once, 2 * once, once + 2 * 24 }, network.RowsThroughStage.ToArray());
        Assert.AreEqual(48, report.FeatureCache!.RowsComputed);
    }

    [TestMethod]
    public void NothingIsKeptWhereEveryEpochSeesOtherPictures()
    {
        foreach (var augmentation in (
            Augmentation[])[Augmentation.Light, Augmentation.MixUp(), Augmentation.CutMix(), Augmentation.RandomErasing(1)])
        {
            var (network, report) = CountingNetwork.Train(_photos, s_head with { Augmentation = augmentation });
            Assert.AreEqual(3 * 24, network.RowsThroughStage[0], augmentation.ToString());
            Assert.IsNull(report.FeatureCache);
        }
    }

    [TestMethod]
    public void BatchesOfOneTrainTheSameBitsWithEveryCacheAndWithout()
    {
        using var folder = new Folder();
        foreach (var options in (ImageFineTuningOptions[])
            [
                s_head with { BatchSize = 1 },
                s_head with { BatchSize = 1, Strategy = Strategy.LastStages(1), Epochs = 2 },
                s_head with { BatchSize = 1, Augmentation = Augmentation.FixedViews(
                    Augmentation.Sequence(Augmentation.Light, Augmentation.RandomErasing(0.7f, noise: true)), 2) },
            ])
        {
            var expected = Train(options with { FeatureCache = FeatureCache.None });
            CollectionAssert.AreEqual(expected, Train(options with { FeatureCache = FeatureCache.InMemory() }));
            CollectionAssert.AreEqual(expected, Train(options with { FeatureCache = FeatureCache.InFolder(folder.File("cache")) }),
                "computed");
            CollectionAssert.AreEqual(expected,
                Train(options with { FeatureCache = FeatureCache.InFolder(folder.File("cache")), Workers = 4 }), "found");
        }
    }

    [TestMethod]
    public void LargerBatchesTrainTheSameWeightsToRounding()
    {
        foreach (var augmentation in (Augmentation[])[Augmentation.None, Augmentation.FixedViews(Augmentation.Standard, 2)])
        {
            using var cached = SmallTraining.Fit(_ml, s_head with { Augmentation = augmentation }, _photos);
            using var computed = SmallTraining.Fit(
                _ml, s_head with { Augmentation = augmentation, FeatureCache = FeatureCache.None }, _photos);
            var expected = HeadOf(computed);
            Fixture.AreClose(expected, HeadOf(cached), 1e-5, "weight of the head");
            Assert.IsGreaterThan(1e-2, expected.Max(Math.Abs));
        }
    }

    [TestMethod]
    public void APhotoThatIsThereTwiceIsComputedOnce()
    {
        using var folder = new Folder();
        var copy = folder.File("copy.png");
        File.Copy(_photos[0].ImagePath, copy);
        Photo[] photos = [.. _photos, new Photo { Label = _photos[0].Label, ImagePath = copy }, _photos[1]];
        foreach (var (
            augmentation, views) in ((Augmentation, int)[])[(Augmentation.None, 1), (Augmentation.FixedViews(Augmentation.Light, 2), 2)])
        {
            var (network, report) = CountingNetwork.Train(photos, s_head with { Augmentation = augmentation });
            Assert.AreEqual(views * 24 + DryRuns, network.RowsThroughStage[0]);
            Assert.AreEqual((views * 24, views * 2), (report.FeatureCache!.RowsComputed, report.FeatureCache.RowsFound));
            Assert.AreEqual(26, report.TrainingRows);
        }
        CollectionAssert.AreEqual(Train(s_head with { BatchSize = 1, FeatureCache = FeatureCache.None }, photos),
            Train(s_head with { BatchSize = 1 }, photos));
    }

    [TestMethod]
    public void EveryCopyOfAPictureThatCannotBeReadIsReported()
    {
        var (cut, _) = BadPictures.All.Single(bad => bad.Reason == "it is cut off");
        using var folder = new Folder();
        File.Copy(cut, folder.File("copy.jpg"));
        Photo[] photos = [new() { Label = "dots", ImagePath = cut }, .. _photos,
            new() { Label = "rings", ImagePath = folder.File("copy.jpg") }, new() { Label = "rings", ImagePath = "missing.png" }];

        using var cached = SmallTraining.Fit(_ml, s_head with { BadRows = BadRows.Skip(0.5f) }, photos);
        using var computed = SmallTraining.Fit(_ml, s_head with { BadRows = BadRows.Skip(0.5f), FeatureCache = FeatureCache.None }, photos);

        CollectionAssert.AreEqual(new long[] { 0, 25, 26 }, cached.Report!.BadRows.Select(row => row.Ordinal).ToArray());
        CollectionAssert.AreEqual(computed.Report!.BadRows.ToArray(), cached.Report.BadRows.ToArray());
        Assert.AreEqual(
            (24, 24, 0), (cached.Report.TrainingRows, cached.Report.FeatureCache!.RowsComputed, cached.Report.FeatureCache.RowsFound));
    }

    [TestMethod]
    public void WhatDoesNotFitIntoMemoryIsComputedInEveryEpochAndTheLogSaysSo()
    {
        var log = new LogLines(_ml);
        var photos = SmallPictures.Take(30);
        // what the stem gives of 90 pictures has more than a MiB
        var options = s_head with { Strategy = Strategy.LastStages(3), Epochs = 1 };
        using var model = SmallTraining.Fit(_ml, options with { FeatureCache = FeatureCache.InMemory(1) }, photos);

        Assert.IsNull(model.Report!.FeatureCache);
        Assert.IsTrue(
            log.All.Any(line => line.Contains("The frozen stages run in every epoch") && line.Contains("FeatureCache.InMemory(1)")
                && line.Contains("FeatureCache.InFolder")), log.ToString());
        using var kept = SmallTraining.Fit(_ml, options, photos);
        Assert.AreEqual(90, kept.Report!.FeatureCache!.RowsComputed);
    }

    [TestMethod]
    public void FixedViewsAreThoseOfTheirEpochModuloTheirNumber()
    {
        // With a learning rate of nearly 0 the losses of epochs differ by their views alone.
        var options = s_head with
        {
            Epochs = 7,
            LearningRate = 1e-12f,
            Augmentation = Augmentation.FixedViews(
            Augmentation.Light, 3),
            FeatureCache = FeatureCache.None
        };
        foreach (var cache in (FeatureCache[])[FeatureCache.None, FeatureCache.InMemory()])
        {
            using var model = SmallTraining.Fit(_ml, options with { FeatureCache = cache }, _photos);
            var losses = model.Report!.Epochs.Select(epoch => epoch.Loss).ToArray();
            for (var epoch = 3; epoch < 7; epoch++)
                Assert.AreEqual(losses[epoch - 3], losses[epoch], 1e-6);
            Assert.IsTrue(Math.Abs(losses[0] - losses[1]) > 1e-5 && Math.Abs(losses[1] - losses[2]) > 1e-5
                && Math.Abs(losses[0] - losses[2]) > 1e-5, string.Join(" ", losses));
        }
    }

    [TestMethod]
    public void FixedViewsOutliveTheOrderOfTheRows()
    {
        using var folder = new Folder();
        var options = s_head with
        {
            Augmentation = Augmentation.FixedViews(
            Augmentation.Standard, 2),
            FeatureCache = FeatureCache.InFolder(folder.File("cache"))
        };
        using var first = SmallTraining.Fit(_ml, options, _photos);
        using var second = SmallTraining.Fit(_ml, options, [SmallPictures.Take(1, skip: 20)[0], .. _photos.Reverse()]);

        Assert.AreEqual((2, 48), (second.Report!.FeatureCache!.RowsComputed, second.Report.FeatureCache.RowsFound));
    }

    [TestMethod]
    public void WhatCannotBeFixedIsRefused()
    {
        Refuses(() => Augmentation.FixedViews(Augmentation.MixUp(), 2), "MixUp cannot have fixed views");
        Refuses(() => Augmentation.FixedViews(
            Augmentation.Sequence(Augmentation.Light, Augmentation.CutMix()), 2), "CutMix cannot have fixed views");
        Refuses(() => Augmentation.FixedViews(Augmentation.None, 2), "Augmentation.None are fixed already");
        Refuses(() => Augmentation.FixedViews(Augmentation.FixedViews(Augmentation.Light, 2), 2), "FixedViews are fixed already");
        Refuses(() => Augmentation.Sequence(
            Augmentation.FixedViews(Augmentation.Light, 2), Augmentation.HorizontalFlip()), "FixedViews cannot be a part of a sequence");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Augmentation.FixedViews(Augmentation.Light, 0));
        Refuses(() => FeatureCache.InFolder(" "), "path");

        static void Refuses(Func<object> make, string message) =>
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => make()).Message, message);
    }

    private byte[] Train(ImageFineTuningOptions options, Photo[]? photos = null)
    {
        using var model = SmallTraining.Fit(_ml, options, photos ?? _photos);
        return SmallTraining.WeightsOf(model);
    }

    private static double[] HeadOf(FineTuningTransformer model)
    {
        double[] values = [];
        model.Scorer.Read(network => values = network.NamedParameters()
            .Single(named => network.StageOf(named.Name) == network.Stages.Count && named.Parameter.ndim == 2).Parameter.Values());
        return values;
    }
}
