using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;
using static MlNetFineTune.Augmentation;

namespace MlNetFineTune.Tests.Data;

/// <summary>Defaults, ranges and names of every operation, and that all of them together are counted, not drawn.</summary>
[TestClass]
public sealed class AugmentationParametersTests
{
    [TestMethod]
    public void EveryOperationNamesItsParametersAndTheirDefaults()
    {
        Augmentation[] operations =
        [
            RandomCrop(), VerticalFlip(), Rotation(10), Affine(), Perspective(), ColorJitter(), Grayscale(), GaussianBlur(), Sharpness(2),
            Posterize(4), Solarize(128), AutoContrast(), Equalize(), Invert(), RandAugment(), TrivialAugmentWide(), AugMix(),
        ];
        Assert.AreEqual("""
            RandomCrop { Padding = 0 }
            VerticalFlip { Probability = 0.5 }
            Rotation { Degrees = 10 }
            Affine { Degrees = 0, TranslateX = 0, TranslateY = 0, MinimumScale = 1, MaximumScale = 1, ShearX = 0, ShearY = 0 }
            Perspective { Distortion = 0.5, Probability = 0.5 }
            ColorJitter { Brightness = 0, Contrast = 0, Saturation = 0, Hue = 0 }
            Grayscale { Probability = 0.1 }
            GaussianBlur { KernelSize = 5, MinimumSigma = 0.1, MaximumSigma = 2 }
            Sharpness { Factor = 2, Probability = 0.5 }
            Posterize { Bits = 4, Probability = 0.5 }
            Solarize { Threshold = 128, Probability = 0.5 }
            AutoContrast { Probability = 0.5 }
            Equalize { Probability = 0.5 }
            Invert { Probability = 0.5 }
            RandAugment { Count = 2, Magnitude = 9, Bins = 31 }
            TrivialAugmentWide { Bins = 31 }
            AugMix { Severity = 3, MixtureWidth = 3, ChainDepth = 0, Alpha = 1, AllOperations = True }
            """.ReplaceLineEndings("\n"), string.Join('\n', operations.Select(operation => operation.ToString())));
    }

    [TestMethod]
    public void PresetsAreWhatTheirDocumentationSays()
    {
        Assert.AreEqual(
            Augmentation.Sequence(RandomResizedCrop(0.25f), HorizontalFlip(), ColorJitter(0.3f, 0.3f, 0.3f)), Augmentation.Standard);
        Assert.AreEqual(Augmentation.Sequence(RandomResizedCrop(0.25f), HorizontalFlip(), RandAugment(2, 9)), Augmentation.Strong);
        Assert.AreNotEqual(Augmentation.Sequence(RandomResizedCrop(0.25f), HorizontalFlip(), RandAugment(2, 10)), Augmentation.Strong);
    }

    [TestMethod]
    public void ASequenceInASequenceIsOneSequence()
    {
        var nested = Augmentation.Sequence(VerticalFlip(), Augmentation.Sequence(Invert(), Augmentation.Sequence(Equalize())));
        Assert.AreEqual(Augmentation.Sequence(VerticalFlip(), Invert(), Equalize()), nested);
        Assert.AreEqual("VerticalFlip { Probability = 0.5 } + Invert { Probability = 0.5 } + Equalize { Probability = 0.5 }",
            nested.ToString());
        Assert.ThrowsExactly<ArgumentException>(() => Augmentation.Sequence(Invert(), Augmentation.None));
    }

    public static IEnumerable<object[]> Refused =>
    [
        [() => RandomCrop(-1), "padding"], [() => RandomCrop(4097), "padding"], [() => VerticalFlip(1.1f), "probability"],
        [() => Rotation(-1), "degrees"], [() => Rotation(181), "degrees"], [() => Rotation(float.NaN), "degrees"],
        [() => Affine(degrees: 181), "degrees"], [() => Affine(translateX: 1.1f), "translateX"],
        [() => Affine(translateY: -0.1f), "translateY"],
        [() => Affine(minimumScale: 0), "minimumScale"], [() => Affine(minimumScale: 2), "minimumScale"],
        [() => Affine(maximumScale: 101), "minimumScale"],
        [() => Affine(maximumScale: float.NaN), "minimumScale"], [() => Affine(shearX: 81), "shearX"], [() => Affine(shearY: -1), "shearY"],
        [() => Perspective(1.1f), "distortion"], [() => Perspective(0.5f, -1), "probability"],
        [() => ColorJitter(-0.1f), "brightness"], [() => ColorJitter(contrast: 11), "contrast"],
        [() => ColorJitter(saturation: float.NaN), "saturation"],
        [() => ColorJitter(hue: 0.51f), "hue"], [() => Grayscale(2), "probability"],
        [() => GaussianBlur(4), "kernelSize"], [() => GaussianBlur(1), "kernelSize"], [() => GaussianBlur(65), "kernelSize"],
        [() => GaussianBlur(5, 0), "minimumSigma"], [() => GaussianBlur(5, 2, 1), "minimumSigma"],
        [() => GaussianBlur(5, 1, 101), "minimumSigma"],
        [() => Sharpness(-1), "factor"], [() => Sharpness(101), "factor"], [() => Sharpness(1, 2), "probability"],
        [() => Posterize(-1), "bits"], [() => Posterize(9), "bits"], [() => Posterize(1, 2), "probability"],
        [() => Solarize(-1), "threshold"], [() => Solarize(257), "threshold"], [() => Solarize(1, 2), "probability"],
        [() => AutoContrast(2), "probability"], [() => Equalize(2), "probability"], [() => Invert(2), "probability"],
        [() => RandAugment(0), "count"], [() => RandAugment(17), "count"], [() => RandAugment(2, 31), "magnitude"],
        [() => RandAugment(2, -1), "magnitude"],
        [() => RandAugment(2, 0, 1), "bins"], [() => TrivialAugmentWide(1), "bins"], [() => TrivialAugmentWide(1001), "bins"],
        [() => AugMix(0), "severity"], [() => AugMix(11), "severity"], [() => AugMix(3, 0), "mixtureWidth"],
        [() => AugMix(3, 17), "mixtureWidth"],
        [() => AugMix(chainDepth: -1), "chainDepth"], [() => AugMix(chainDepth: 17), "chainDepth"], [() => AugMix(alpha: 0), "alpha"],
        [() => AugMix(alpha: float.NaN), "alpha"],
    ];

    [TestMethod]
    [DynamicData(nameof(Refused))]
    public void WhatIsOutOfRangeIsRefusedByName(Func<Augmentation> make, string parameter) =>
        Assert.AreEqual(parameter, Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => make()).ParamName);

    [TestMethod]
    public void OneWorkerAndEightDrawTheSameBytes()
    {
        var everything = Augmentation.Sequence(
            RandomResizedCrop(0.25f), HorizontalFlip(), VerticalFlip(), Rotation(20), Affine(5, 0.1f, 0.1f, 0.9f, 1.1f, 5, 5),
            Perspective(0.3f),
            ColorJitter(0.3f, 0.3f, 0.3f, 0.1f), Grayscale(), GaussianBlur(), Sharpness(2), Posterize(5), Solarize(200), AutoContrast(),
            Equalize(),
            Invert(0.1f), RandAugment(), TrivialAugmentWide(), AugMix());
        var one = Read(1, 1);
        CollectionAssert.AreEqual(one, Read(8, 1));
        CollectionAssert.AreNotEqual(one, Read(8, 2));

        byte[] Read(int workers, int epoch)
        {
            using var files = new StoredRows(Path.GetTempPath());
            for (var i = 0; i < SmallPictures.PerClass; i++)
                files.Add(new Picture(new PictureHead(Path: SmallPictures.PathOf("rings", i))));
            using var rows = new EncodedImages(files, "ImagePath", new ImageEncoder(new ImagePreprocessing { Size = 40 }));
            return [.. new BatchLoader(rows, seed: 3, workers)
                .Read(BatchLoader.Split([.. Enumerable.Range(0, rows.Count)], 7), everything, epoch,
                    (row, reason) => Assert.Fail(reason), default)
                .SelectMany(batch => batch.Samples.Take(batch.Count * rows.Length).ToArray())];
        }
    }

    [TestMethod]
    public void PicturesAfterTheFirstNeedNoMemoryOfTheirOwn()
    {
        var encoder = new ImageEncoder(new ImagePreprocessing { Size = 64 });
        var pixels = FormulaPicture.Pixels(64, 64);
        var output = new byte[encoder.Length];
        var augmentation = Augmentation.Sequence(
            Rotation(20), ColorJitter(0.3f, 0.3f, 0.3f, 0.1f), GaussianBlur(), Sharpness(2, 1), Equalize(1), RandAugment(), AugMix());
        for (var row = 0; row < 50; row++)
            Encode(row);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var row = 0; row < 50; row++)
            Encode(row);
        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Encode(int row) => encoder.EncodePixels(
            new PixelSource(pixels, 64, 64, false), augmentation, new CountedRandom(1, RandomStream.Augmentation, 1, row), output);
    }
}
