using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;
using SkiaSharp;

namespace MlNetFineTune.Tests.Data;

/// <summary>A shrunk picture is upright, has the size that was asked for, and is drawn like any other.</summary>
[TestClass]
public sealed class ShrunkPictureTests
{
    private static readonly ImageEncoder s_encoder = new(new ImagePreprocessing { Size = 64 });

    public static IEnumerable<object[]> Augmentations => new[]
    {
        Augmentation.Light, Augmentation.Strong, Augmentation.HorizontalFlip(1), Augmentation.Rotation(30),
        Augmentation.Perspective(1), Augmentation.RandomResizedCrop(0.08f, 0.1f),
        Augmentation.Sequence(Augmentation.RandomCrop(), Augmentation.ColorJitter(0.3f)),
    }.Select(augmentation => new object[] { augmentation });

    [TestMethod]
    [DynamicData(nameof(Augmentations))]
    public void ASmallPictureIsKeptAsItIsAndDrawnToTheSameBits(Augmentation augmentation)
    {
        foreach (var (width, height) in ((int, int)[])[(90, 67), (70, 100), (5, 3)])
        {
            var pixels = FormulaPicture.Pixels(width, height);
            var shrunk = Shrink(new Picture(default, FormulaPicture.Encode(pixels, width, height)), 100);
            for (var epoch = 0; epoch < 4; epoch++)
            {
                var (expected, actual) = (new byte[s_encoder.Length], new byte[s_encoder.Length]);
                var random = new CountedRandom(1, RandomStream.Augmentation, epoch, 5);
                s_encoder.EncodePixels(new PixelSource(pixels, width, height, blueFirst: false), augmentation, random, expected);
                Assert.IsTrue(ShrunkPicture.TryRead(shrunk, out var picture));
                s_encoder.EncodeShrunk(picture, augmentation, random, actual);
                CollectionAssert.AreEqual(expected, actual, $"{width} x {height}, epoch {epoch}");
            }
        }
    }

    [TestMethod]
    public void TheLongestSideIsAsAskedAndTheOtherInProportion()
    {
        foreach (var (width, height, shrunkWidth, shrunkHeight) in ((int, int, int, int)[])
            [(400, 300, 100, 75), (300, 400, 75, 100), (1000, 3, 100, 1), (100, 100, 100, 100), (101, 40, 100, 40), (99, 12, 99, 12)])
        {
            var pixels = FormulaPicture.Pixels(width, height);
            foreach (var format in (SKEncodedImageFormat[])[SKEncodedImageFormat.Png, SKEncodedImageFormat.Jpeg])
            {
                var bytes = Shrink(new Picture(default, FormulaPicture.Encode(pixels, width, height, format)), 100);
                Assert.IsTrue(ShrunkPicture.TryRead(bytes, out var picture));
                Assert.AreEqual(new PixelSize(shrunkWidth, shrunkHeight), picture.Size);
            }
            var decoded = Shrink(new Picture(new PictureHead(Pixels: new PixelForm(width, height, BlueFirst: false)), pixels), 100);
            CollectionAssert.AreEqual(Shrink(new Picture(default, FormulaPicture.Encode(pixels, width, height)), 100), decoded);
        }
    }

    [TestMethod]
    public void EveryExifOrientationIsUpright()
    {
        const int width = 300, height = 200;
        var upright = FormulaPicture.Pixels(width, height);
        for (var i = 0; i < upright.Length; i += 4)
            upright[i + 1] = upright[i + 2] = upright[i]; // grey: JPEG halves the resolution of colours
        var expected = Shrink(new Picture(default, FormulaPicture.Encode(upright, width, height)), 150);
        foreach (var (orientation, stored) in Oriented(upright, width, height))
        {
            var (storedWidth, storedHeight) = orientation >= 5 ? (height, width) : (width, height);
            var jpeg = ImageEncoderTests.WithOrientation(
                FormulaPicture.Encode(stored, storedWidth, storedHeight, SKEncodedImageFormat.Jpeg), orientation);
            var actual = Shrink(new Picture(default, jpeg), 150);
            CollectionAssert.AreEqual(expected[..8], actual[..8], $"size, orientation {orientation}");
            Assert.IsLessThan(3, expected.Zip(actual, (a, b) => Math.Abs(a - b)).Average(), $"orientation {orientation}");
        }
    }

    [TestMethod]
    public void DetailsOfALargePhotoSurvive()
    {
        const int width = 800, height = 600;
        var jpeg = FormulaPicture.Encode(FormulaPicture.Pixels(width, height), width, height, SKEncodedImageFormat.Jpeg, 95);
        var encoder = new ImageEncoder(new ImagePreprocessing { Size = 96, CropFraction = 1 });
        var (whole, twice) = (new byte[encoder.Length], new byte[encoder.Length]);
        encoder.EncodeBytes(jpeg, Augmentation.HorizontalFlip(1), default, whole);
        Assert.IsTrue(ShrunkPicture.TryRead(Shrink(new Picture(default, jpeg), 176), out var picture));
        encoder.EncodeShrunk(picture, Augmentation.HorizontalFlip(1), default, twice);
        Assert.IsLessThan(8, whole.Zip(twice, (a, b) => Math.Abs(a - b)).Average(), "of 255");
    }

    [TestMethod]
    public void ASmallPictureTakesTheMemoryOfItsOwnSizeFromTheBudget()
    {
        const int width = 90, height = 67, length = 8 + width * height * 3;
        var png = FormulaPicture.Encode(FormulaPicture.Pixels(width, height), width, height);
        Shrink(new Picture(default, png), 4096); // compiled, and pooled
        ByteBudget.Pixels.HighWater = 0;
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.HasCount(length, Shrink(new Picture(default, png), 4096));
        Assert.IsLessThan(1 << 20, GC.GetAllocatedBytesForCurrentThread() - before, "and not 48 MiB");
        Assert.IsGreaterThanOrEqualTo(length + width * height * 4, ByteBudget.Pixels.HighWater);
        Assert.IsLessThan(1 << 20, ByteBudget.Pixels.HighWater);

        Assert.IsEmpty(Shrink(new Picture(default, png[..(png.Length / 2)]), 4096));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var all = ByteBudget.Pixels.Take(ByteBudget.Pixels.Capacity, patience.Token); // also the damaged file's share was returned
    }

    [TestMethod]
    public void WhatIsNoPictureIsNotShrunk()
    {
        var jpeg = FormulaPicture.Encode(FormulaPicture.Pixels(80, 60), 80, 60, SKEncodedImageFormat.Jpeg);
        foreach (var bytes in (byte[][])[[], [1, 2, 3], jpeg[..(jpeg.Length / 2)]])
            Assert.IsEmpty(Shrink(new Picture(default, bytes), 100));
        foreach (var bytes in (byte[][])[[], [1, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1]])
            Assert.IsFalse(ShrunkPicture.TryRead(bytes, out _));
    }

    private static byte[] Shrink(in Picture picture, int longestSide)
    {
        if (!ShrunkPicture.TryShrink(picture, longestSide, default, out var shrunk))
            return [];
        using (shrunk)
            return shrunk.Bytes.ToArray();
    }

    // EXIF: 1 as is; 2 mirrored; 3 half turn; 4 upside down mirrored; 5 transposed; 6 turned left; 7 transversed; 8 turned right.
    private static IEnumerable<(int Orientation, byte[] Stored)> Oriented(byte[] upright, int width, int height)
    {
        for (var orientation = 1; orientation <= 8; orientation++)
        {
            var (storedWidth, storedHeight) = orientation >= 5 ? (height, width) : (width, height);
            var stored = new byte[upright.Length];
            for (var y = 0; y < storedHeight; y++)
            {
                for (var x = 0; x < storedWidth; x++)
                {
                    var (across, down) = orientation >= 5 ? (y, x) : (x, y);
                    if (orientation is 2 or 3 or 6 or 7)
                        across = width - 1 - across;
                    if (orientation is 3 or 4 or 7 or 8)
                        down = height - 1 - down;
                    upright.AsSpan((down * width + across) * 4, 4).CopyTo(stored.AsSpan((y * storedWidth + x) * 4));
                }
            }
            yield return (orientation, stored);
        }
    }
}
