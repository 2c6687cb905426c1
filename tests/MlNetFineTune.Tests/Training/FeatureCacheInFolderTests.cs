using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using SkiaSharp;

namespace MlNetFineTune.Tests.Training;

/// <summary>Features outlive a training under keys that leave nothing out, and no damage to their files goes unseen.</summary>
[TestClass]
public sealed class FeatureCacheInFolderTests : IDisposable
{
    private readonly Folder _folder = new();
    private readonly MLContext _ml = new();
    private readonly LogLines _log;
    private readonly Photo[] _photos = SmallPictures.Take(4);
    private readonly ImageFineTuningOptions _options;

    public FeatureCacheInFolderTests()
    {
        _log = new LogLines(_ml);
        _options = SmallTraining.Options with { Strategy = Strategy.HeadOnly, FeatureCache = FeatureCache.InFolder(_folder.File("cache")) };
    }

    public void Dispose() => _folder.Dispose();

    private string[] Files => Directory.GetFiles(_folder.File("cache"), "*", SearchOption.AllDirectories);

    [TestMethod]
    public void ASecondTrainingComputesNothingAndIsTheSame()
    {
        var options = _options with { Validation = ValidationData.Fraction(0.25f) };
        var first = Train(options, computed: 12, found: 0);
        CollectionAssert.AreEqual(first, Train(options, computed: 0, found: 12));

        Assert.AreEqual(1, CountingNetwork.Train(_photos, options).Network.RowsThroughStage[0], "the dry run alone");
        Assert.IsEmpty(_log.Warnings);
    }

    [TestMethod]
    public void WhatIsNotPartOfTheFrozenStagesIsNotPartOfTheKey()
    {
        Train(_options, 12, 0);
        Train(_options with { LearningRate = 1e-2f, Optimizer = Optimizer.Sgd(), Epochs = 5, BatchSize = 3, Workers = 3 }, 0, 12);
        Train(_options with { Validation = ValidationData.Fraction(0.5f) }, 0, 12);
        Train(
            _options, 0, 12,
            [.. _photos.Select(photo => new Photo { ImagePath = photo.ImagePath, Label = photo.Label == "dots" ? "rings" : "dots" })]);
        Train(_options, 0, 9, _photos[3..]);
    }

    [TestMethod]
    public void AChangedPixelComputesOnePicture()
    {
        var path = _folder.File("picture.png");
        File.Copy(_photos[0].ImagePath, path);
        Photo[] photos = [new Photo { Label = _photos[0].Label, ImagePath = path }, .. _photos[1..]];
        Train(_options, 12, 0, photos);
        using (var picture = SKBitmap.Decode(path))
        {
            picture.SetPixel(20, 20, picture.GetPixel(20, 20).WithGreen((byte)(picture.GetPixel(20, 20).Green ^ 1)));
            using var data = picture.Encode(SKEncodedImageFormat.Png, 100);
            File.WriteAllBytes(path, data.ToArray());
        }
        Train(_options, 1, 11, photos);
        Train(_options, 0, 12, photos);
    }

    [TestMethod]
    public void ChangedWeightsPreprocessingAndStagesComputeAll()
    {
        Train(_options, 12, 0);
        Train(_options with { Seed = 2 }, 12, 0); // random weights
        Train(_options with { Strategy = Strategy.LastStages(1) }, 12, 0);
        Train(_options with { Strategy = Strategy.LastStages(2) }, 12, 0);
        foreach (var preprocessing in (ImagePreprocessing[])
            [
                SmallTraining.Backbone.Preprocessing with { Size = 40 },
                SmallTraining.Backbone.Preprocessing with { CropFraction = 0.9f },
                SmallTraining.Backbone.Preprocessing with { Mean = new(0.5f, 0.5f, 0.4f) },
                SmallTraining.Backbone.Preprocessing with { Std = new(0.5f, 0.6f, 0.5f) },
                SmallTraining.Backbone.Preprocessing with { Interpolation = Interpolation.Bicubic },
            ])
            Train(_options with { Backbone = SmallTraining.Backbone with { Preprocessing = preprocessing } }, 12, 0);
        Train(_options, 0, 12);

        var padded = Backbone.MobileNetV1(0.25f).FromScratch() with { Preprocessing = SmallTraining.Backbone.Preprocessing };
        foreach (var padding in Enum.GetValues<Backbone.ConvolutionPadding>())
            Train(_options with { Epochs = 1, Backbone = padded with { Padding = padding } }, 12, 0);
    }

    [TestMethod]
    public void OneNumberOfTheFrozenWeightsComputesAllAndOneAboveThemNothing()
    {
        using var model = SmallTraining.Fit(_ml, SmallTraining.Options with { Epochs = 1 }, _photos);
        var options = _options with { Strategy = Strategy.LastStages(1), Backbone = Backbone.FromModel(model) };
        Train(options, 12, 0);
        Change("layer3");
        Train(options, 0, 12);
        Change("layer2");
        Train(options, 12, 0);

        void Change(string stage) => model.Scorer.Read(network =>
        {
            using var noGradients = TorchSharp.torch.no_grad();
            using var scope = TorchSharp.torch.NewDisposeScope();
            network.NamedParameters().Last(named => named.Name.StartsWith(stage, StringComparison.Ordinal)).Parameter.view(-1)[0]
                .add_(0.25f);
        });
    }

    [TestMethod]
    public void FixedViewsAreKeptByAugmentationSeedAndView()
    {
        // weights that do not come from the seed
        using var earlier = SmallTraining.Fit(_ml, SmallTraining.Options with { Epochs = 1 }, _photos);
        var two = _options with
        {
            Backbone = Backbone.FromModel(earlier),
            Augmentation = Augmentation.FixedViews(Augmentation.Light, 2),
            Epochs = 6
        };
        Train(two, 24, 0);
        Train(two with { Augmentation = Augmentation.FixedViews(Augmentation.Light, 3) }, 12, 24);
        Train(two with { Augmentation = Augmentation.FixedViews(Augmentation.HorizontalFlip(), 2) }, 24, 0);
        Train(two with { Augmentation = Augmentation.FixedViews(Augmentation.HorizontalFlip(0.4f), 2) }, 24, 0);
        Train(two with { Seed = 2 }, 24, 0);
        Train(two with { Seed = 2, Augmentation = Augmentation.None }, 12, 0);
        Train(two with { Seed = 3, Augmentation = Augmentation.None }, 0, 12);
    }

    [TestMethod]
    public void DamageIsSeenLoggedAndComputedAgain()
    {
        var expected = Train(_options, 12, 0);
        var path = Files.Single();
        var whole = File.ReadAllBytes(path);
        var rowBytes = (whole.Length - KeyedFileForm.HeaderSize) / 12 - KeyedFileForm.EntrySize;
        foreach (var (place, computed, words) in ((int, int, string)[])
            [
                (KeyedFileForm.HeaderSize + 5 * rowBytes + 2, 1, "its checksum is wrong"),
                (whole.Length - 3, 12, "the checksum of its index is wrong"),
                (KeyedFileForm.HeaderSize - 1, 12, "the checksum of its index is wrong"),
                (8, 12, "do not fit each other"),
                (24, 12, "do not fit each other"),
                (33, 12, "do not fit each other"),
                (0, 12, "does not begin as a file of features does"),
            ])
        {
            var changed = whole.ToArray();
            changed[place] ^= 1;
            Verify(changed, computed, words);
        }
        foreach (var (length, words) in ((int, string)[])[
            (0, "the file is empty"), (5, "does not begin"), (60, "do not fit"), (whole.Length / 2, "do not fit"),
            (whole.Length - 1, "do not fit")])
            Verify(whole[..length], 12, words);
        Verify([.. whole, 0], 12, "do not fit");

        void Verify(byte[] damaged, int computed, string words)
        {
            foreach (var file in Files)
                File.Delete(file);
            File.WriteAllBytes(path, damaged);
            var before = _log.Warnings.Count;
            var weights = Train(_options, computed, 12 - computed);
            if (computed == 12)
                CollectionAssert.AreEqual(expected, weights);
            Assert.HasCount(before + 1, _log.Warnings);
            StringAssert.Contains(_log.Warnings[^1], words);
            StringAssert.Contains(_log.Warnings[^1], path);
            Train(_options, 0, 12);
        }
    }

    [TestMethod]
    public void AFileOfAnotherNetworkUnderOurFoldersNameIsNotTaken()
    {
        Train(_options, 12, 0);
        var first = Files.Single();
        Train(_options with { Seed = 2 }, 12, 0);
        var second = Files.Single(file => file != first);
        File.Copy(second, first, overwrite: true);

        Train(_options, 12, 0);
        StringAssert.Contains(_log.Warnings.Single(), "do not fit each other");
    }

    [TestMethod]
    public void TwoStoresShareAFolderWithoutKnowingOfEachOther()
    {
        var form = new FeatureFileForm(ContentHash.Of([1]), 8);
        var (a, b, both) = (ContentHash.Of([2]), ContentHash.Of([3]), ContentHash.Of([4]));
        var path = Directory.CreateDirectory(_folder.File("shared")).FullName;
        using (var one = new FolderFeatureStore(path, form, Assert.Fail))
        using (var two = new FolderFeatureStore(path, form, Assert.Fail))
        {
            one.Put(a, Bytes(1));
            two.Put(both, Bytes(3));
            one.Put(both, Bytes(3));
            two.Put(b, Bytes(2));
            Assert.IsTrue(one.Contains(a) && !one.Contains(b) && two.Contains(b) && !two.Contains(a));
            using (var early = new FolderFeatureStore(path, form, Assert.Fail))
                Assert.IsFalse(early.Contains(a) || early.Contains(b), "what is being written is not seen");
            one.Complete();
            two.Complete();
            CollectionAssert.AreEqual(Bytes(1), one.Get(a).ToArray());
            CollectionAssert.AreEqual(Bytes(3), two.Get(both).ToArray());
        }
        using var later = new FolderFeatureStore(path, form, Assert.Fail);
        foreach (var (key, value) in ((ContentHash, byte)[])[(a, 1), (b, 2), (both, 3)])
        {
            Assert.IsTrue(later.Contains(key));
            CollectionAssert.AreEqual(Bytes(value), later.Get(key).ToArray());
        }
        Assert.IsNull(later.Refuse(1));
        StringAssert.Contains(later.Refuse(long.MaxValue), "MiB left");
        if (OperatingSystem.IsWindows())
            return; // which reports the space of the drive
        var gone = Directory.CreateDirectory(_folder.File("gone"));
        using var unknown = new FolderFeatureStore(gone.FullName, form, Assert.Fail);
        gone.Delete();
        Assert.IsNull(unknown.Refuse(long.MaxValue), "the space is not known");

        static byte[] Bytes(byte value) => [value, 0, 0, 0, 0, 0, 0, value];
    }

    [TestMethod]
    public void WhatAKilledProcessLeftGoesAfterADayAndNotBefore()
    {
        Train(_options, 12, 0);
        var (old, young) = (Files.Single() + ".tmp", Path.Combine(Path.GetDirectoryName(Files.Single())!, "young.features.tmp"));
        File.WriteAllText(old, "half");
        File.WriteAllText(young, "half");
        File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddHours(-25));

        Train(_options, 0, 12);
        Assert.IsTrue(File.Exists(young) && !File.Exists(old));
    }

    [TestMethod]
    public void ATrainingThatIsCancelledOrStoppedWhileItComputesLeavesNothing()
    {
        using var source = new CancellationTokenSource();
        var options = _options with { BatchSize = 4, Progress = new Watcher(_ => source.Cancel()) };
        Assert.Throws<OperationCanceledException>(() => SmallTraining.Fit(_ml, options with { CancellationToken = source.Token }, _photos));
        Assert.IsEmpty(Files);

        using var stop = new CancellationTokenSource();
        using (var stopped = SmallTraining.Fit(
            _ml, options with { StopToken = stop.Token, Progress = new Watcher(_ => stop.Cancel()) }, _photos))
            Assert.AreEqual((4, 0), (stopped.Report!.FeatureCache!.RowsComputed, stopped.Report.FeatureCache.RowsFound));
        Assert.IsEmpty(Files);
        Train(_options, 12, 0);
    }

    [TestMethod]
    public void WhatCannotBeWrittenIsAWarningAndComputedInEveryEpoch()
    {
        var gone = false;
        var options = _options with
        {
            BatchSize = 1,
            Progress = new Watcher(_ =>
            {
                if (!gone)
                    Directory.Delete(_folder.File("cache"), recursive: true); // so that the finished file cannot get its name
                gone = true;
            }),
        };

        using var model = SmallTraining.Fit(_ml, options, _photos);

        Assert.IsNull(model.Report!.FeatureCache);
        StringAssert.Contains(_log.Warnings.Single(), "The frozen stages run in every epoch: their output could not be written");
        StringAssert.Contains(_log.Warnings.Single(), "Make room on the disk");
        using var computed = SmallTraining.Fit(_ml, _options with { BatchSize = 1, FeatureCache = FeatureCache.None }, _photos);
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(computed), SmallTraining.WeightsOf(model));
    }

    [TestMethod]
    public void APlaceThatIsNoFolderIsAnError()
    {
        File.WriteAllText(_folder.File("file"), "");
        var error = Assert.ThrowsExactly<IOException>(
            () => SmallTraining.Fit(_ml, _options with { FeatureCache = FeatureCache.InFolder(_folder.File("file")) }, _photos));
        StringAssert.Contains(error.Message, "FeatureCache.InFolder");
        StringAssert.Contains(error.Message, "Give a folder that can be written");
    }

    private byte[] Train(ImageFineTuningOptions options, int computed, int found, Photo[]? photos = null)
    {
        using var model = SmallTraining.Fit(_ml, options, photos ?? _photos);
        var report = model.Report!.FeatureCache!;
        Assert.AreEqual((computed, found), (report.RowsComputed, report.RowsFound));
        Assert.IsTrue(report.Seconds > 0 && report.Bytes > 0);
        return SmallTraining.WeightsOf(model);
    }
}
