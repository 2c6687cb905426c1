using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Transforms;

/// <summary>AugmentImages before our own trainers: the augmentation becomes the trainer's own.</summary>
[TestClass]
public sealed class FusedAugmentationTests
{
    private static readonly ImageFineTuningOptions s_options = new()
    {
        Backbone = SmallTraining.Backbone,
        Strategy = Strategy.Full(1),
        Validation = ValidationData.Fraction(0.25f),
        LearningRate = 3e-3f,
        Epochs = 3,
        BatchSize = 8,
        Seed = 1,
        ImageColumnName = "Image",
    };

    private readonly MLContext _ml = new(seed: 1);

    public static IEnumerable<object[]> Augmentations =>
    [
        [Augmentation.Standard],
        [Augmentation.Sequence(Augmentation.Light, Augmentation.RandomErasing(1))],
        [Augmentation.FixedViews(Augmentation.Light, 2)],
        [Augmentation.None],
    ];

    [TestMethod]
    [DynamicData(nameof(Augmentations))]
    public void TheWeightsAndTheValidationAreThoseOfTheOptionBitForBit(Augmentation augmentation)
    {
        var data = Images();
        using var expected = Train(_ml, s_options with { Augmentation = augmentation }, data);

        using var directly = Fit(data, augmentation, key: false);
        Check(Network(directly));
        // The key is made between them.
        using var beside = Fit(data, augmentation, key: true);
        Check(Network(beside));

        void Check(FineTuningTransformer found)
        {
            CollectionAssert.AreEqual(SmallTraining.WeightsOf(expected), SmallTraining.WeightsOf(found));
            CollectionAssert.AreEqual(
                expected.Report!.Epochs.Select(epoch => epoch.ValidationLoss).ToArray(),
                found.Report!.Epochs.Select(epoch => epoch.ValidationLoss).ToArray());
        }
    }

    [TestMethod]
    public void FromPathsTooAndTheModelIsAloneInAFreshProcess()
    {
        var view = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(8)));
        var plain = _ml.Transforms.AugmentImages("Image", "ImagePath", Augmentation.Strong);
        using var expected = Train(_ml, s_options with { Augmentation = Augmentation.Strong }, plain.Fit(view).Transform(view));

        using var chain = plain.Append(_ml.MulticlassClassification.Trainers.FineTuneImages(s_options)).Fit(view);

        CollectionAssert.AreEqual(SmallTraining.WeightsOf(expected), SmallTraining.WeightsOf(Network(chain)));
        var zip = Path.Combine(SmallPictures.NewFolder(), "model.zip");
        _ml.Model.Save(chain, view.Schema, zip);
        var test = SmallPictures.Take(4, skip: 10);
        var scored = SmallTraining.Scores(chain.Transform(SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, test))));
        using var loaded = new MLContext().Model.Load(zip, out _) as IDisposable;
        SmallTraining.AssertSameBits(
            scored, SmallTraining.Scores(((ITransformer)loaded!).Transform(SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, test)))));
    }

    [TestMethod]
    [TestCategory(Categories.Slow)]
    public void AFreshProcessThatKnowsOnlyMlNetLoadsItAndScoresPicturesAsTheyAre()
    {
        var view = SmallPictures.View(_ml, SmallPictures.Take(6));
        using var chain = _ml.Transforms.AugmentImages("Image", "ImagePath", Augmentation.Strong)
            .Append(_ml.Transforms.Conversion.MapValueToKey("Label"))
            .Append(_ml.MulticlassClassification.Trainers.FineTuneImages(s_options with { Epochs = 1 })).Fit(view);
        var zip = Path.Combine(SmallPictures.NewFolder(), "model.zip");
        _ml.Model.Save(chain, view.Schema, zip);
        var test = SmallPictures.Take(4, skip: 10);

        var printed = LoadOnly.Run([zip, .. test.Select(photo => photo.ImagePath)]);

        CollectionAssert.AreEqual(
            SmallTraining.Scores(chain.Transform(SmallPictures.View(_ml, test)))
                .Select(scores => string.Join(' ', SmallTraining.Bits(scores).Select(bits => bits.ToString("X8")))).ToArray(),
            printed.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    [TestMethod]
    [DataRow("Binary")]
    [DataRow("Regression")]
    [DataRow("Ordinal")]
    public void TrainersOfOtherTasksTakeItAsWell(string name)
    {
        var task = name switch
        {
            "Binary" => LearningTask.Binary(),
            "Regression" => LearningTask.Regression(),
            _ => LearningTask.Ordinal(),
        };
        var view = MarkedPhoto.View(_ml, MarkedPhoto.Take(6));
        var data = _ml.Transforms.LoadImages("Image", "", "ImagePath").Fit(view).Transform(view);
        var options = s_options with { Task = task, LabelColumnName = ScalarModels.Options(task).LabelColumnName, Epochs = 2 };
        using var expected = ScalarModels.Trainer(_ml, options with { Augmentation = Augmentation.Standard }).Fit(data);

        using var chain = _ml.Transforms.AugmentImages("Image", augmentation: Augmentation.Standard)
            .Append(ScalarModels.Trainer(_ml, options)).Fit(data);

        CollectionAssert.AreEqual(SmallTraining.WeightsOf(expected), SmallTraining.WeightsOf(Network(chain)));
    }

    [TestMethod]
    public void TheOptionAndTheChainMustNotSayDifferentThings()
    {
        var data = Images();
        var chain = _ml.Transforms.AugmentImages("Image", augmentation: Augmentation.Standard);

        foreach (var other in new[] { Augmentation.Light, Augmentation.None })
        {
            var thrown = Assert.ThrowsExactly<InvalidOperationException>(() => chain.Append(
                _ml.MulticlassClassification.Trainers.FineTuneImages(s_options with { Augmentation = other })).Fit(data));
            StringAssert.Contains(thrown.Message, other.ToString());
            StringAssert.Contains(thrown.Message, Augmentation.Standard.ToString());
            StringAssert.Contains(thrown.Message, "leave one of the two out");
        }
        using var agreed = chain.Append(_ml.MulticlassClassification.Trainers.FineTuneImages(
            s_options with { Augmentation = Augmentation.Standard, Epochs = 1 })).Fit(data);
        Assert.HasCount(1, Network(agreed).Report!.Epochs);
    }

    [TestMethod]
    public void TheLogSaysWhoseAugmentationItIsAndWarnsOfNothing()
    {
        var log = new LogLines(_ml);
        using var chain = Fit(Images(), Augmentation.Standard, key: true, epochs: 1);

        Assert.ContainsSingle(log.All.Where(line => line.Contains("AugmentImages", StringComparison.Ordinal)
            && line.Contains("new in every epoch", StringComparison.Ordinal)));
        Assert.IsEmpty(log.Warnings.Where(line => line.Contains("AugmentImages", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void ACacheAfterItIsWarnedOf()
    {
        var log = new LogLines(_ml);
        var options = s_options with { ImageColumnName = "Pixels", RawPixels = RawPixels.Planar(48, 48), Epochs = 1 };
        using var chain = _ml.Transforms.AugmentImages("Image", augmentation: Augmentation.Standard)
            .Append(_ml.Transforms.ResizeImages("Image", 48, 48))
            .Append(_ml.Transforms.ExtractPixels("Pixels", "Image"))
            .AppendCacheCheckpoint(_ml)
            .Append(_ml.MulticlassClassification.Trainers.FineTuneImages(options)).Fit(Images());

        StringAssert.Contains(
            log.Warnings.Single(line => line.Contains("AugmentImages", StringComparison.Ordinal)), "AppendCacheCheckpoint");
    }

    [TestMethod]
    public void ACacheDirectlyAfterItDropsTheImagesWhichTheLogSaysBeforeTheError()
    {
        var log = new LogLines(_ml);
        var chain = _ml.Transforms.AugmentImages("Image", augmentation: Augmentation.Standard).AppendCacheCheckpointOf(_ml)
            .Append(_ml.MulticlassClassification.Trainers.FineTuneImages(s_options));

        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => chain.Fit(Images()));
        StringAssert.Contains(
            log.Warnings.Single(line => line.Contains("AugmentImages", StringComparison.Ordinal)), "AppendCacheCheckpoint");
    }

    [TestMethod]
    public void WhatChangesThePicturesAfterItIsWarnedOf()
    {
        var log = new LogLines(_ml);
        using var chain = _ml.Transforms.AugmentImages("Image", augmentation: Augmentation.Standard)
            .Append(_ml.Transforms.ResizeImages("Image", 40, 40))
            .Append(_ml.MulticlassClassification.Trainers.FineTuneImages(s_options with { Epochs = 1 })).Fit(Images());

        StringAssert.Contains(
            log.Warnings.Single(line => line.Contains("AugmentImages", StringComparison.Ordinal)), "every epoch sees the same");
    }

    [TestMethod]
    public void AChainWithinAChainIsWarnedOf()
    {
        var log = new LogLines(_ml);
        var inner = _ml.Transforms.CopyColumns("Copied", "Label").Append(_ml.Transforms.AugmentImages("Image"));
        using var chain = _ml.Transforms.CopyColumns("First", "Label").Append(inner)
            .Append(_ml.MulticlassClassification.Trainers.FineTuneImages(s_options with { Epochs = 1 })).Fit(Images());

        StringAssert.Contains(log.Warnings.Single(line => line.Contains("AugmentImages", StringComparison.Ordinal)), "flat chain");
    }

    [TestMethod]
    public void BadPicturesAreTheTrainersMatterThen()
    {
        var photos = SmallPictures.Take(8).Append(new Photo { Label = "dots", ImagePath = BadPictures.All[2].Path }).ToArray();
        var view = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, photos));
        var augment = _ml.Transforms.AugmentImages("Image", "ImagePath");
        var options = s_options with { Validation = ValidationData.None, Epochs = 1 };

        var thrown = Assert.ThrowsExactly<InvalidDataException>(
            () => augment.Append(_ml.MulticlassClassification.Trainers.FineTuneImages(options)).Fit(view));
        StringAssert.Contains(thrown.Message, "row 24");
        using var chain = augment.Append(
            _ml.MulticlassClassification.Trainers.FineTuneImages(options with { BadRows = BadRows.Skip() })).Fit(view);
        Assert.AreEqual(24L, Network(chain).Report!.BadRows.Single().Ordinal);
    }

    [TestMethod]
    public void CrossValidationTrainsEachFoldWithIt()
    {
        var data = Images(perClass: 6);
        var chain = _ml.Transforms.AugmentImages("Image", augmentation: Augmentation.Light)
            .Append(_ml.MulticlassClassification.Trainers.FineTuneImages(s_options with { Epochs = 1, Validation = ValidationData.None }));

        var folds = _ml.MulticlassClassification.CrossValidate(data, chain, numberOfFolds: 2);

        Assert.HasCount(2, folds);
        foreach (var fold in folds)
            (fold.Model as IDisposable)?.Dispose();
    }

    // At 32 pixels the option decodes such a JPEG at an eighth of its size or little more.
    [TestMethod]
    [DataRow("ImagePath")]
    [DataRow("Bytes")]
    public void LargeJpegsAreDecodedAsByTheOptionInTrainingAndInScoring(string column)
    {
        var ml = new MLContext(seed: 1);
        var (folder, photos) = LargeJpegs.Draw();
        var data = Photos(ml, folder, photos);
        var options = s_options with { Epochs = 2, Validation = ValidationData.None, Augmentation = Augmentation.Standard };
        var folderOfPaths = column == "ImagePath" ? folder : null;
        using var expected = Train(ml, options with { ImageColumnName = column, ImageFolder = folderOfPaths }, data);
        using var ofWhole = Train(ml, options, ml.Transforms.LoadImages("Image", folder, "ImagePath").Fit(data).Transform(data));
        Assert.IsFalse(SmallTraining.WeightsOf(expected).SequenceEqual(SmallTraining.WeightsOf(ofWhole)), "it makes a difference");
        var log = new LogLines(ml);

        using var chain = ml.Transforms.AugmentImages("Image", column, Augmentation.Standard, imageFolder: folderOfPaths)
            .Append(ml.MulticlassClassification.Trainers.FineTuneImages(options)).Fit(data);

        CollectionAssert.AreEqual(SmallTraining.WeightsOf(expected), SmallTraining.WeightsOf(Network(chain)));
        if (column == "ImagePath")
            Assert.IsEmpty(log.All.Where(line => line.Contains("MiB in", StringComparison.Ordinal)), "no pixels are stored");
        var scores = SmallTraining.Scores(expected.Transform(data));
        SmallTraining.AssertSameBits(scores, SmallTraining.Scores(chain.Transform(data)));
        using var loaded = (IDisposable)new MLContext().Model.Load(new MemoryStream(SmallTraining.Save(ml, chain, data.Schema)), out _);
        SmallTraining.AssertSameBits(scores, SmallTraining.Scores(((ITransformer)loaded).Transform(data)));
        using var engine = ml.Model.CreatePredictionEngine<FileRow, ScoreRow>(
            chain, new PredictionEngineOptions { OwnsTransformer = false });
        var first = new FileRow
        {
            ImagePath = photos[0].ImagePath,
            Bytes = File.ReadAllBytes(Path.Combine(folder, photos[0].ImagePath)),
        };
        SmallTraining.AssertClose([scores[0]], [engine.Predict(first).Score]);
    }

    [TestMethod]
    [DataRow("ImagePath")]
    [DataRow("Bytes")]
    public void ABadPictureHasTheReasonThatItHasByTheOption(string column)
    {
        var (cut, reason) = BadPictures.All.Single(bad => bad.Reason == "it is cut off");
        var data = Photos(_ml, "", [.. SmallPictures.Take(8), new Photo { Label = "dots", ImagePath = cut }]);
        var options = s_options with
        {
            Validation = ValidationData.None,
            Epochs = 1,
            Augmentation = Augmentation.Light,
            ImageStatusColumnName = "Status",
        };
        var byOption = options with { ImageColumnName = column };

        var expected = Assert.ThrowsExactly<InvalidDataException>(() => Train(_ml, byOption, data));
        StringAssert.Contains(expected.Message, reason);
        var thrown = Assert.ThrowsExactly<InvalidDataException>(() => Chain(options));
        Assert.AreEqual(expected.Message, thrown.Message);

        using var skipping = Train(_ml, byOption with { BadRows = BadRows.Skip() }, data);
        using var chain = Chain(options with { BadRows = BadRows.Skip() });
        CollectionAssert.AreEqual(skipping.Report!.BadRows.ToArray(), Network(chain).Report!.BadRows.ToArray());
        var status = chain.Transform(data).GetColumn<string>("Status").ToArray();
        CollectionAssert.AreEqual(skipping.Transform(data).GetColumn<string>("Status").ToArray(), status);
        StringAssert.Contains(status[^1], reason);

        TransformerChain<FineTuningTransformer> Chain(ImageFineTuningOptions chosen) => _ml.Transforms.AugmentImages("Image", column)
            .Append(_ml.MulticlassClassification.Trainers.FineTuneImages(chosen)).Fit(data);
    }

    [TestMethod]
    public void WherePicturesMayBeMissingADamagedOneIsStillABadRow()
    {
        var rows = FusedRow.Many(24);
        rows[3].ImagePath = BadPictures.All.Single(bad => bad.Reason == "it is cut off").Path;
        rows[5].ImagePath = "";
        var options = FusedRow.Options with
        {
            ImageColumnName = "Image",
            MissingPictures = MissingPictures.Allow,
            Epochs = 1,
            Augmentation = Augmentation.Light,
            BadRows = BadRows.Skip(),
        };

        using var chain = _ml.Transforms.AugmentImages("Image", "ImagePath")
            .Append(_ml.MulticlassClassification.Trainers.FineTuneImages(options)).Fit(FusedRow.View(_ml, rows));

        var bad = Network(chain).Report!.BadRows.Single();
        Assert.AreEqual(3L, bad.Ordinal);
        StringAssert.Contains(bad.Reason, "cut off");
    }

    // Paths and bytes.
    private static IDataView Photos(MLContext ml, string folder, IReadOnlyList<Photo> photos)
    {
        var view = SmallTraining.WithKeys(ml, SmallPictures.View(ml, photos));
        return ml.Transforms.LoadRawImageBytes("Bytes", folder, "ImagePath").Fit(view).Transform(view);
    }

    private static FineTuningTransformer Network(TransformerChain<FineTuningTransformer> chain) => chain.LastTransformer;

    private static FineTuningTransformer Train(MLContext ml, ImageFineTuningOptions options, IDataView data) =>
        ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(data);

    private TransformerChain<FineTuningTransformer> Fit(IDataView data, Augmentation augmentation, bool key, int epochs = 3)
    {
        var trainer = _ml.MulticlassClassification.Trainers.FineTuneImages(
            s_options with { LabelColumnName = key ? "Key" : "Label", Epochs = epochs });
        var augment = _ml.Transforms.AugmentImages("Image", augmentation: augmentation);
        return key
            ? augment.Append(_ml.Transforms.Conversion.MapValueToKey("Key", "Name", keyData: Names())).Append(trainer).Fit(data)
            : augment.Append(trainer).Fit(data);
    }

    private IDataView Names() => _ml.Data.LoadFromEnumerable(SmallPictures.Classes.Select(name => new ClassName { Name = name }));

    // With a key, and the name beside it.
    private IDataView Images(int perClass = 8)
    {
        var view = SmallPictures.View(_ml, SmallPictures.Take(perClass));
        var named = _ml.Transforms.CopyColumns("Name", "Label").Append(_ml.Transforms.LoadImages("Image", "", "ImagePath")).Fit(view)
            .Transform(view);
        return SmallTraining.WithKeys(_ml, named);
    }

    private sealed class FileRow
    {
        public string ImagePath { get; set; } = "";

        public byte[] Bytes { get; set; } = [];
    }

    private sealed class ScoreRow
    {
        public float[] Score { get; set; } = [];
    }

    private sealed class ClassName
    {
        public string Name { get; set; } = "";
    }
}

internal static class CacheCheckpoints
{
    /// <summary>A chain of one estimator, with a cache after it.</summary>
    public static EstimatorChain<ITransformer> AppendCacheCheckpointOf(this IEstimator<ITransformer> estimator, MLContext ml) =>
        new EstimatorChain<ITransformer>().Append(estimator).AppendCacheCheckpoint(ml);
}
