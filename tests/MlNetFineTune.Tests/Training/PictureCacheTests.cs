using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Training;

/// <summary>Augmented epochs read shrunk pictures, and the training is the same whatever the cache has.</summary>
[TestClass]
public sealed class PictureCacheTests : IDisposable
{
    private const int Side = 40; // of pictures of 48 pixels

    private readonly Folder _folder = new();
    private readonly MLContext _ml = new();
    private readonly LogLines _log;
    private readonly Photo[] _photos = SmallPictures.Take(4);
    private readonly ImageFineTuningOptions _plain = SmallTraining.Options with { Augmentation = Augmentation.Strong, BatchSize = 4 };
    private readonly ImageFineTuningOptions _options;

    public PictureCacheTests()
    {
        _log = new LogLines(_ml);
        _options = _plain with { PictureCache = In("cache") };
    }

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void AnEmptyAndAFilledCacheGiveTheSameTrainingWithAnyNumberOfWorkers()
    {
        var empty = Train(_options with { Workers = 1 });
        var file = Files().Single();
        CollectionAssert.AreEqual(empty, Train(_options with { Workers = 3 }));
        CollectionAssert.AreEqual(empty, Train(_options with { Workers = 3, PictureCache = In("other") }));
        CollectionAssert.AreEqual(empty, Train(_options with { Workers = 2, Seed = 1 }, _photos));

        Assert.AreEqual(file, Files().Single(), "nothing was added");
        Assert.HasCount(1, Files("other"));
        CollectionAssert.AreNotEqual(empty, Train(_plain), "shrunk pictures are other pictures");
        Assert.IsEmpty(_log.Warnings);
        StringAssert.Contains(_log.ToString(), "12 pictures of at most 40 pixels were added to '");
    }

    [TestMethod]
    public void AfterTheFirstEpochNoFileOfAPhotoIsRead()
    {
        var expected = Train(_options with { Epochs = 3 });
        Photo[] copies = [.. _photos.Select((photo, i) =>
        {
            var path = _folder.File($"{i}{Path.GetExtension(photo.ImagePath)}");
            File.Copy(photo.ImagePath, path);
            return new Photo { Label = photo.Label, ImagePath = path };
        })];
        var deleting = new Watcher(progress =>
        {
            if (progress.Epoch == 2)
                Array.ForEach(copies, photo => File.Delete(photo.ImagePath));
        });

        CollectionAssert.AreEqual(expected, Train(_options with { Epochs = 3, PictureCache = In("new"), Progress = deleting }, copies));
        Assert.IsFalse(copies.Any(photo => File.Exists(photo.ImagePath)));
    }

    [TestMethod]
    public void WithoutAugmentationTheOriginalsAreReadAndNothingIsKept()
    {
        var plain = _plain with { Augmentation = Augmentation.None, Validation = ValidationData.Fraction(0.25f) };
        CollectionAssert.AreEqual(Train(plain), Train(plain with { PictureCache = In("cache") }));
        Assert.IsFalse(Directory.Exists(_folder.File("cache")));
    }

    [TestMethod]
    public void ValidationReadsTheOriginals()
    {
        var plain = _plain with { Validation = ValidationData.Fraction(0.25f), LearningRate = 1e-30f, BatchNorm = BatchNormMode.Frozen };
        // Weights that hardly change: the losses are those of the pictures. A batch norm needs statistics to be frozen.
        using var earlier = SmallTraining.Fit(_ml, SmallTraining.Options, _photos);
        plain = plain with { Backbone = Backbone.FromModel(earlier) };
        using var without = SmallTraining.Fit(_ml, plain, _photos);
        using var with = SmallTraining.Fit(_ml, plain with { PictureCache = In("cache") }, _photos);

        Assert.AreEqual(without.Report!.Epochs[0].ValidationLoss, with.Report!.Epochs[0].ValidationLoss);
        Assert.AreNotEqual(without.Report.Epochs[0].Loss, with.Report.Epochs[0].Loss);
        Assert.HasCount(1, Files());
        StringAssert.Contains(_log.ToString(), "9 pictures", "the training rows alone");
    }

    [TestMethod]
    public void AnotherSideAndAnotherContentAreKeptBesides()
    {
        var smaller = Train(_options);
        var larger = Train(_options with { PictureCache = In("cache", 44) });
        CollectionAssert.AreNotEqual(smaller, larger);
        Assert.HasCount(2, Files());
        Assert.AreEqual(2, Files().Select(Path.GetDirectoryName).Distinct().Count());

        Train(_options, SmallPictures.Take(5)); // three more
        Assert.HasCount(3, Files());
        StringAssert.Contains(_log.ToString(), "3 pictures of at most 40 pixels were added");
    }

    [TestMethod]
    public void DamageIsSeenLoggedAndRepaired()
    {
        var expected = Train(_options);
        var path = Files().Single();
        var whole = File.ReadAllBytes(path);
        var pictureBytes = (whole.Length - KeyedFileForm.HeaderSize) / 12 - KeyedFileForm.EntrySize;
        Assert.AreEqual(8 + Side * Side * 3, pictureBytes);
        foreach (var (place, words) in ((int, string)[])
            [
                (KeyedFileForm.HeaderSize + 5 * pictureBytes + 99, "its checksum is wrong"),
                (KeyedFileForm.HeaderSize + 3 * pictureBytes, "its checksum is wrong"), // a width
                (whole.Length - 3, "the checksum of its index is wrong"),
                (KeyedFileForm.HeaderSize - 1, "the checksum of its index is wrong"),
                (8, "do not fit each other"), // another version
                (16, "do not fit each other"),
                (24, "do not fit each other"),
                (33, "do not fit each other"), // another build
                (0, "does not begin as a file of pictures does"),
            ])
        {
            var changed = whole.ToArray();
            changed[place] ^= 1;
            Verify(changed, words);
        }
        foreach (var (length, words) in ((int, string)[])[
            (0, "the file is empty"), (5, "does not begin"), (60, "do not fit"), (whole.Length / 2, "do not fit"),
            (whole.Length - 1, "do not fit")])
            Verify(whole[..length], words);
        Verify([.. whole, 0], "do not fit");

        void Verify(byte[] damaged, string words)
        {
            foreach (var file in Files())
                File.Delete(file);
            File.WriteAllBytes(path, damaged);
            var before = _log.Warnings.Count;
            CollectionAssert.AreEqual(expected, Train(_options), words);
            Assert.HasCount(before + 1, _log.Warnings, words);
            StringAssert.Contains(_log.Warnings[^1], words);
            StringAssert.Contains(_log.Warnings[^1], path);
            Assert.HasCount(2, Files(), "what it lacked was added");
        }
    }

    [TestMethod]
    public void ASignedFileWithPicturesOfOtherSizesIsNotBelieved()
    {
        var expected = Train(_options);
        var path = Files().Single();
        var whole = File.ReadAllBytes(path);
        var owner = ContentHash.Read(whole.AsSpan(32));
        var form = new KeyedFileForm("MNFTPICT", "pictures", ".pictures", owner);
        ContentHash[] keys = [.. Enumerable.Range(0, 12).Select(i =>
            ContentHash.Read(whole.AsSpan(whole.Length - (12 - i) * KeyedFileForm.EntrySize)))];
        using (var writer = new KeyedFileWriter(Path.GetDirectoryName(path)!, form))
        {
            foreach (var (i, key) in keys.Index())
            {
                byte[] value = i % 2 == 0 ? [1, 0, 0, 0, 1, 0, 0, 0, 7] : [255, 255, 255, 127, 255, 255, 255, 127];
                writer.Put(key, value, KeyedFileForm.Checksum(value));
            }
            writer.Complete();
        }
        File.Delete(path);

        CollectionAssert.AreEqual(expected, Train(_options));
    }

    [TestMethod]
    public void ACancelledTrainingLeavesWhatItHasAndTheNextGoesOnFromThere()
    {
        using var source = new CancellationTokenSource();
        var options = _options with
        {
            Epochs = 5,
            BatchSize = 2,
            Workers = 1,
            Progress = new Watcher(_ => source.Cancel()),
            CancellationToken = source.Token,
        };
        Assert.Throws<OperationCanceledException>(() => SmallTraining.Fit(_ml, options, SmallPictures.Take(20)));
        Assert.HasCount(1, Files());
        Assert.DoesNotContain(file => file.EndsWith(".tmp", StringComparison.Ordinal), Files());

        var half = Train(_options, SmallPictures.Take(20));
        Assert.HasCount(2, Files());
        CollectionAssert.AreEqual(Train(_options with { PictureCache = In("other") }, SmallPictures.Take(20)), half);
    }

    [TestMethod]
    public void WhatCannotBeWrittenIsOneWarningAndTheSameTraining()
    {
        var expected = Train(_options);
        var gone = false;
        var options = _options with
        {
            PictureCache = In("gone"),
            Progress = new Watcher(_ =>
            {
                if (!gone)
                    Directory.Delete(_folder.File("gone"), recursive: true); // so that the finished file cannot get its name
                gone = true;
            }),
        };

        CollectionAssert.AreEqual(expected, Train(options));
        StringAssert.Contains(_log.Warnings.Single(), "could not be written into '");
        StringAssert.Contains(_log.Warnings.Single(), "decoded in every epoch");
    }

    [TestMethod]
    public void PicturesThatDoNotFitOnTheDiskAreDecodedAgain()
    {
        var folder = Directory.CreateDirectory(_folder.File("full")).FullName;
        using var fit = new FitScope(_ml, "test", "test", 1);
        var owner = ContentHash.Of([1]);
        byte[] picture = [1, 0, 0, 0, 1, 0, 0, 0, 7, 8, 9];
        using (var store = new ShrunkPictureStore(folder, owner, Side, fit.Host, freeBytes: () => 25))
        {
            for (byte i = 0; i < 5; i++)
                store.Put(ContentHash.Of([i]), picture); // 22 of the 23 bytes that may be used
            store.Synchronize();
            Assert.AreEqual((true, true, false), (Has(store, 0), Has(store, 1), Has(store, 2)));
            StringAssert.Contains(_log.Warnings.Single(), $"the disk of '{folder}' has 0 MiB left");
        }
        using var later = new ShrunkPictureStore(folder, owner, Side, fit.Host);
        Assert.AreEqual((true, true, false), (Has(later, 0), Has(later, 1), Has(later, 2)));

        static bool Has(ShrunkPictureStore store, byte i) => store.TryGet(ContentHash.Of([i]), out _);
    }

    [TestMethod]
    [DataRow(1_100, 6, DisplayName = "others fill the small disk")]
    [DataRow(2_000_000_000, 6, DisplayName = "others fill the large disk: asked after 64 MiB")]
    public void WhatOtherProcessesWriteIsSeenAndTheFileIsKept(long atFirst, int kept)
    {
        var folder = Directory.CreateDirectory(_folder.File("filled")).FullName;
        using var fit = new FitScope(_ml, "test", "test", 1);
        var side = atFirst > 1_000_000 ? 2000 : 2; // 12 MB or 20 bytes
        var picture = new byte[8 + side * side * 3];
        BitConverter.TryWriteBytes(picture, side);
        BitConverter.TryWriteBytes(picture.AsSpan(4), side);
        var free = atFirst;
        using (var store = new ShrunkPictureStore(folder, ContentHash.Of([1]), side, fit.Host, freeBytes: () => free))
        {
            for (byte i = 0; i < 10; i++)
            {
                store.Put(ContentHash.Of([i]), picture);
                if (i == 0)
                    free = atFirst / 10 + picture.Length - 1; // no place for another one
            }
            store.Synchronize();
            StringAssert.Contains(_log.Warnings.Single(), $"the disk of '{folder}' has {free >> 20} MiB left");
        }
        using var later = new ShrunkPictureStore(folder, ContentHash.Of([1]), side, fit.Host);
        Assert.AreEqual(kept, Enumerable.Range(0, 10).Count(i => later.TryGet(ContentHash.Of([(byte)i]), out _)));
    }

    [TestMethod]
    public void AFolderThatCannotBeListedIsAWarningOfItsOwn()
    {
        var folder = Directory.CreateDirectory(_folder.File("unlisted")).FullName;
        using var fit = new FitScope(_ml, "test", "test", 1);
        using var store = new ShrunkPictureStore(folder, ContentHash.Of([1]), Side, fit.Host);
        Directory.Delete(folder);
        store.Synchronize();
        store.Synchronize();
        StringAssert.Contains(_log.Warnings.Single(), $"'{folder}' could not be listed");
        Assert.DoesNotContain("written", _log.Warnings.Single());

        Directory.CreateDirectory(folder);
        store.Put(ContentHash.Of([2]), [1, 0, 0, 0, 1, 0, 0, 0, 7, 8, 9]);
        store.Synchronize();
        Assert.IsTrue(store.TryGet(ContentHash.Of([2]), out _), "what can be written is kept");
        Assert.HasCount(1, _log.Warnings);
    }

    [TestMethod]
    public void WhereTheFreeSpaceIsNotKnownEverythingIsKept()
    {
        var folder = Directory.CreateDirectory(_folder.File("share")).FullName;
        using var fit = new FitScope(_ml, "test", "test", 1);
        byte[] picture = [1, 0, 0, 0, 1, 0, 0, 0, 7, 8, 9];
        using var store = new ShrunkPictureStore(folder, ContentHash.Of([1]), Side, fit.Host, freeBytes: () => null);
        for (byte i = 0; i < 5; i++)
            store.Put(ContentHash.Of([i]), picture);
        store.Synchronize();
        Assert.IsTrue(Enumerable.Range(0, 5).All(i => store.TryGet(ContentHash.Of([(byte)i]), out _)));
        Assert.IsEmpty(_log.Warnings);
    }

    [TestMethod]
    public void TrainingsAtTheSameTimeShareAFolder()
    {
        var expected = Train(_options with { Epochs = 4 });
        var options = _options with { Epochs = 4, PictureCache = In("shared") };
        var weights = new byte[2][];
        Parallel.For(0, 2, i =>
        {
            using var model = SmallTraining.Fit(new MLContext(), options, _photos);
            weights[i] = SmallTraining.WeightsOf(model);
        });
        CollectionAssert.AreEqual(expected, weights[0]);
        CollectionAssert.AreEqual(expected, weights[1]);
        CollectionAssert.AreEqual(expected, Train(options));
        Assert.IsLessThanOrEqualTo(2, Files("shared").Length);
    }

    [TestMethod]
    public void ProcessesTakeEachOthersPictures()
    {
        var options = _options with { Epochs = 3, Optimizer = Optimizer.Sgd(), LearningRate = 1e-2f, PictureCache = In("several") };
        SeveralProcesses.AssertAreOne(2, options, (ml, its) => SmallTraining.Fit(ml, its, _photos));
        var kept = Files("several").Sum(file => (new FileInfo(file).Length - KeyedFileForm.HeaderSize) / (8 + Side * Side * 3));
        Assert.AreEqual(12, kept, "each process wrote its half in the first epoch, and read the other's later");
    }

    [TestMethod]
    public void RowsThatCannotBeReadAreTheSameAsWithoutACache()
    {
        Photo[] photos = [.. _photos, .. BadPictures.All.Select(bad => new Photo { Label = "dots", ImagePath = bad.Path })];
        var skipping = _plain with { BadRows = BadRows.Skip(0.5f), Augmentation = Augmentation.Light };
        using var without = SmallTraining.Fit(_ml, skipping, photos);
        using var with = SmallTraining.Fit(_ml, skipping with { PictureCache = In("cache") }, photos);
        Assert.HasCount(BadPictures.All.Count, with.Report!.BadRows);
        CollectionAssert.AreEqual(without.Report!.BadRows.ToArray(), with.Report.BadRows.ToArray());

        foreach (var (path, reason) in BadPictures.All)
        {
            var error = Assert.ThrowsExactly<InvalidDataException>(
                () => SmallTraining.Fit(_ml, _options, [new Photo { Label = "dots", ImagePath = path }, .. _photos]));
            StringAssert.Contains(error.Message, reason);
        }
    }

    [TestMethod]
    [DataRow(nameof(EveryForm.File))]
    [DataRow(nameof(EveryForm.Image))]
    [DataRow(nameof(EveryForm.Planar))]
    public void EveryKindOfColumnIsShrunk(string column)
    {
        var rows = PictureSources.Rows(4);
        var options = PictureSources.Options(column) with { Augmentation = Augmentation.Light };
        var expected = Fit(PictureSources.Options(nameof(EveryForm.ImagePath)) with
        {
            Augmentation = Augmentation.Light,
            PictureCache = In("files")
        });
        CollectionAssert.AreEqual(expected, Fit(options with { PictureCache = In("cache") }));
        Assert.HasCount(1, Files());
        CollectionAssert.AreEqual(expected, Fit(options with { PictureCache = In("cache") }));
        Assert.HasCount(1, Files());

        byte[] Fit(ImageFineTuningOptions its)
        {
            using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(its)
                .Fit(SmallTraining.WithKeys(_ml, _ml.Data.LoadFromEnumerable(rows)));
            return SmallTraining.WeightsOf(model);
        }
    }

    [TestMethod]
    public void PicturesBesideATableAreShrunk()
    {
        var rows = FusedRow.Many(12);
        var options = FusedRow.Options with { Augmentation = Augmentation.Light };
        var without = Fit(options);
        var first = Fit(options with { PictureCache = In("cache") });
        Assert.HasCount(1, Files());
        CollectionAssert.AreEqual(first, Fit(options with { PictureCache = In("cache") }));
        CollectionAssert.AreNotEqual(without, first);

        byte[] Fit(ImageFineTuningOptions its)
        {
            using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(its).Fit(FusedRow.View(_ml, rows));
            return SmallTraining.WeightsOf(model);
        }
    }

    [TestMethod]
    public void FeaturesOfShrunkViewsAreOtherFeatures()
    {
        using var earlier = SmallTraining.Fit(_ml, SmallTraining.Options with { Epochs = 1 }, _photos);
        var options = SmallTraining.Options with
        {
            Backbone = Backbone.FromModel(earlier),
            Strategy = Strategy.HeadOnly,
            Augmentation = Augmentation.FixedViews(Augmentation.Light, 2),
            FeatureCache = FeatureCache.InFolder(_folder.File("cache")),
        };
        Computes(24, options);
        var shrunk = options with { PictureCache = In("cache") };
        Computes(24, shrunk);
        Computes(0, shrunk);
        Computes(24, options with { PictureCache = In("cache", 44) });
        Computes(0, options);
        var unaugmented = options with { Augmentation = Augmentation.None };
        Computes(12, unaugmented);
        Computes(0, unaugmented with { PictureCache = In("cache") });

        void Computes(int rows, ImageFineTuningOptions its)
        {
            using var model = SmallTraining.Fit(_ml, its, _photos);
            Assert.AreEqual(rows, model.Report!.FeatureCache!.RowsComputed);
        }
    }

    [TestMethod]
    public void ACheckpointGoesOnWithTheSamePicturesOnly()
    {
        var options = _options with { Epochs = 3 };
        var whole = Train(options);
        var checkpointed = options with { Checkpoint = TrainingCheckpoint.EverySteps(_folder.File("checkpoints"), steps: 1) };
        using (var stop = new CancellationTokenSource())
        {
            using var stopped = SmallTraining.Fit(_ml, checkpointed with
            {
                StopToken = stop.Token,
                Progress = new Watcher(progress =>
                {
                    if (progress.Epoch == 2)
                        stop.Cancel();
                }),
            }, _photos);
        }
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => Train(checkpointed with { PictureCache = PictureCache.None }));
        StringAssert.Contains(error.Message, "PictureCache");
        CollectionAssert.AreEqual(whole, Train(checkpointed with { PictureCache = In("elsewhere") }));
    }

    [TestMethod]
    public void TheDefaultSideFillsTheInputOfTheNetworkWithAPhotoOf16To9()
    {
        foreach (var (size, side) in ((int, int)[])[(224, 400), (384, 688), (160, 288), (32, 64)])
        {
            Assert.AreEqual(
                $"InFolder(longestSide: {side})",
                PictureCache.InFolder("pictures").Description(new ImagePreprocessing { Size = size }));
            Assert.IsGreaterThanOrEqualTo(size, side * 9 / 16);
        }
        Assert.AreEqual("None", PictureCache.None.Description(new ImagePreprocessing()));
        StringAssert.Contains($"{PictureCache.InFolder("pictures", 300)}", "pictures, longestSide: 300)");
        StringAssert.Contains($"{PictureCache.InFolder("pictures")}", "pictures, longestSide: null)");
    }

    [TestMethod]
    public void WhatCannotWorkIsAnErrorThatSaysSo()
    {
        Assert.ThrowsExactly<ArgumentException>(() => PictureCache.InFolder(" "));
        var small = Assert.ThrowsExactly<ArgumentException>(() => Train(_options with { PictureCache = In("cache", 31) }));
        StringAssert.Contains(small.Message, "at most 31 pixels, and the network takes 32");

        File.WriteAllText(_folder.File("file"), "");
        var error = Assert.ThrowsExactly<IOException>(() => Train(_options with { PictureCache = In("file") }));
        StringAssert.Contains(error.Message, "PictureCache.InFolder");
        StringAssert.Contains(error.Message, "Give a folder that can be written");
    }

    [TestMethod]
    public void AFolderThatCannotBeUsedIsAnErrorBeforeThePhaseThatDoesNotAugment()
    {
        File.WriteAllText(_folder.File("file"), "");
        var progress = new Watcher();
        var options = _options with
        {
            Epochs = 2,
            Strategy = Strategy.ProbeThenFull(),
            PictureCache = In("file"),
            Progress = progress,
        };
        Assert.ThrowsExactly<IOException>(() => Train(options));
        Assert.IsEmpty(progress.Seen);

        Train(options with { Augmentation = Augmentation.None });
        Assert.IsNotEmpty(progress.Seen, "the folder is not needed");
    }

    private PictureCache In(string name, int side = Side) => PictureCache.InFolder(_folder.File(name), side);

    private string[] Files(string name = "cache") =>
        [.. Directory.GetFiles(_folder.File(name), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    private byte[] Train(ImageFineTuningOptions options, Photo[]? photos = null)
    {
        using var model = SmallTraining.Fit(_ml, options, photos ?? _photos);
        return SmallTraining.WeightsOf(model);
    }
}
