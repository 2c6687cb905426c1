using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;

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
            new RandomCrop(), new VerticalFlip(), new Rotation(10), new Affine(), new Perspective(), new ColorJitter(), new Grayscale(),
            new GaussianBlur(), new Sharpness(2),
            new Posterize(4), new Solarize(128), new AutoContrast(), new Equalize(), new Invert(), new RandAugment(),
            new TrivialAugmentWide(), new AugMix(),
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
        Assert.AreEqual(Augmentation.Sequence(new RandomResizedCrop(0.25f), new HorizontalFlip(), new ColorJitter(0.3f, 0.3f, 0.3f)),
            Augmentation.Standard);
        Assert.AreEqual(Augmentation.Sequence(new RandomResizedCrop(0.25f), new HorizontalFlip(), new RandAugment(2, 9)),
            Augmentation.Strong);
        Assert.AreNotEqual(Augmentation.Sequence(new RandomResizedCrop(0.25f), new HorizontalFlip(), new RandAugment(2, 10)),
            Augmentation.Strong);
    }

    [TestMethod]
    public void ASequenceInASequenceIsOneSequence()
    {
        var nested = Augmentation.Sequence(new VerticalFlip(), Augmentation.Sequence(new Invert(), Augmentation.Sequence(new Equalize())));
        Assert.AreEqual(Augmentation.Sequence(new VerticalFlip(), new Invert(), new Equalize()), nested);
        Assert.AreEqual("VerticalFlip { Probability = 0.5 } + Invert { Probability = 0.5 } + Equalize { Probability = 0.5 }",
            nested.ToString());
        Assert.ThrowsExactly<ArgumentException>(() => Augmentation.Sequence(new Invert(), Augmentation.None));
    }

    public static IEnumerable<object[]> Refused =>
    [
        [() => new RandomCrop(-1), "padding"], [() => new RandomCrop(4097), "padding"], [() => new VerticalFlip(1.1f), "probability"],
        [() => new Rotation(-1), "degrees"], [() => new Rotation(181), "degrees"], [() => new Rotation(float.NaN), "degrees"],
        [() => new Affine(degrees: 181), "degrees"], [() => new Affine(translateX: 1.1f), "translateX"],
        [() => new Affine(translateY: -0.1f), "translateY"],
        [() => new Affine(minimumScale: 0), "minimumScale"], [() => new Affine(minimumScale: 2), "minimumScale"],
        [() => new Affine(maximumScale: 101), "minimumScale"],
        [() => new Affine(maximumScale: float.NaN), "minimumScale"], [() => new Affine(shearX: 81), "shearX"],
        [() => new Affine(shearY: -1), "shearY"],
        [() => new Perspective(1.1f), "distortion"], [() => new Perspective(0.5f, -1), "probability"],
        [() => new ColorJitter(-0.1f), "brightness"], [() => new ColorJitter(contrast: 11), "contrast"],
        [() => new ColorJitter(saturation: float.NaN), "saturation"],
        [() => new ColorJitter(hue: 0.51f), "hue"], [() => new Grayscale(2), "probability"],
        [() => new GaussianBlur(4), "kernelSize"], [() => new GaussianBlur(1), "kernelSize"], [() => new GaussianBlur(65), "kernelSize"],
        [() => new GaussianBlur(5, 0), "minimumSigma"], [() => new GaussianBlur(5, 2, 1), "minimumSigma"],
        [() => new GaussianBlur(5, 1, 101), "minimumSigma"],
        [() => new Sharpness(-1), "factor"], [() => new Sharpness(101), "factor"], [() => new Sharpness(1, 2), "probability"],
        [() => new Posterize(-1), "bits"], [() => new Posterize(9), "bits"], [() => new Posterize(1, 2), "probability"],
        [() => new Solarize(-1), "threshold"], [() => new Solarize(257), "threshold"], [() => new Solarize(1, 2), "probability"],
        [() => new AutoContrast(2), "probability"], [() => new Equalize(2), "probability"], [() => new Invert(2), "probability"],
        [() => new RandAugment(0), "count"], [() => new RandAugment(17), "count"], [() => new RandAugment(2, 31), "magnitude"],
        [() => new RandAugment(2, -1), "magnitude"],
        [() => new RandAugment(2, 0, 1), "bins"], [() => new TrivialAugmentWide(1), "bins"], [() => new TrivialAugmentWide(1001), "bins"],
        [() => new AugMix(0), "severity"], [() => new AugMix(11), "severity"], [() => new AugMix(3, 0), "mixtureWidth"],
        [() => new AugMix(3, 17), "mixtureWidth"],
        [() => new AugMix(chainDepth: -1), "chainDepth"], [() => new AugMix(chainDepth: 17), "chainDepth"],
        [() => new AugMix(alpha: 0), "alpha"], [() => new AugMix(alpha: float.NaN), "alpha"],
    ];

    [TestMethod]
    [DynamicData(nameof(Refused))]
    public void WhatIsOutOfRangeIsRefusedByName(Func<Augmentation> make, string parameter) =>
        Assert.AreEqual(parameter, Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => make()).ParamName);

    [TestMethod]
    public void OneWorkerAndEightDrawTheSameBytes()
    {
        var everything = Augmentation.Sequence(
            new RandomResizedCrop(0.25f), new HorizontalFlip(), new VerticalFlip(), new Rotation(20),
            new Affine(5, 0.1f, 0.1f, 0.9f, 1.1f, 5, 5), new Perspective(0.3f),
            new ColorJitter(0.3f, 0.3f, 0.3f, 0.1f), new Grayscale(), new GaussianBlur(), new Sharpness(2), new Posterize(5),
            new Solarize(200), new AutoContrast(), new Equalize(),
            new Invert(0.1f), new RandAugment(), new TrivialAugmentWide(), new AugMix());
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
                .SelectMany(batch => batch.Pixels.Take(batch.Count * rows.Length).ToArray())];
        }
    }

    [TestMethod]
    public void PicturesAfterTheFirstNeedNoMemoryOfTheirOwn()
    {
        var encoder = new ImageEncoder(new ImagePreprocessing { Size = 64 });
        var pixels = FormulaPicture.Pixels(64, 64);
        var output = new byte[encoder.Length];
        var augmentation = Augmentation.Sequence(
            new Rotation(20), new ColorJitter(0.3f, 0.3f, 0.3f, 0.1f), new GaussianBlur(), new Sharpness(2, 1), new Equalize(1),
            new RandAugment(), new AugMix());
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
