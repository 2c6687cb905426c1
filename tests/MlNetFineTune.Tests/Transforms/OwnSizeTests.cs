using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Transforms;

namespace MlNetFineTune.Tests.Transforms;

/// <summary>Augmentation at a picture's own size, which need not be a square.</summary>
[TestClass]
public sealed class OwnSizeTests
{
    private static readonly ImagePreprocessing s_square = new() { Size = 48, CropFraction = 1 };

    public static IEnumerable<object[]> Augmentations =>
    [
        [Augmentation.Light], [Augmentation.Standard], [Augmentation.Strong], [Augmentation.RandomCrop(4)], [Augmentation.Rotation(30)],
        [Augmentation.Affine(20, 0.1f, 0.1f, 0.8f, 1.2f, 10, 10)], [Augmentation.Perspective(0.5f, 1)], [Augmentation.AugMix()],
        [Augmentation.TrivialAugmentWide()], [Augmentation.ColorJitter(0.4f, 0.4f, 0.4f, 0.1f)], [Augmentation.Equalize(1)],
        [Augmentation.Sequence(Augmentation.GaussianBlur(63, 1, 20), Augmentation.Sharpness(3, 1))],
        [Augmentation.Sequence(Augmentation.VerticalFlip(1), Augmentation.Posterize(3, 1), Augmentation.RandomErasing(1, noise: true))],
    ];

    [TestMethod]
    [DynamicData(nameof(Augmentations))]
    public void OfASquareItIsWhatTheEncoderOfThisSizeDraws(Augmentation augmentation)
    {
        if (augmentation.Operations.Any(operation => operation is RandomErasing))
            return; // of the encoder it acts on tensors
        var pixels = FormulaPicture.Pixels(48, 48);
        var encoder = new ImageEncoder(s_square);
        for (var row = 0; row < 10; row++)
        {
            var expected = new byte[encoder.Length];
            Assert.IsNull(encoder.EncodePixels(
                new PixelSource(pixels, 48, 48, blueFirst: false), augmentation, new CountedRandom(5, RandomStream.Augmentation, 1, row),
                expected));

            CollectionAssert.AreEqual(expected, Draw(augmentation, pixels, 48, 48, row).Pixels, $"row {row}");
        }
    }

    [TestMethod]
    [DynamicData(nameof(Augmentations))]
    public void AnySizeIsKeptHoweverSmallOrLong(Augmentation augmentation)
    {
        foreach (var (width, height) in new[] { (1, 1), (2, 3), (200, 3), (5, 170), (61, 47), (47, 61) })
        {
            var pixels = FormulaPicture.Pixels(width, height);
            for (var row = 0; row < 5; row++)
            {
                var drawn = Draw(augmentation, pixels, width, height, row);
                Assert.AreEqual((width, height), (drawn.Width, drawn.Height));
                Assert.AreEqual(drawn.Text, Draw(augmentation, pixels, width, height, row).Text);
            }
        }
    }

    [TestMethod]
    public void APictureStoredOnItsSideIsDrawnAsTheUprightOne()
    {
        const int width = 61, height = 47;
        var upright = FormulaPicture.Pixels(width, height);
        for (var orientation = 5; orientation <= 8; orientation++)
        {
            var stored = new byte[upright.Length];
            for (var y = 0; y < width; y++)
            {
                for (var x = 0; x < height; x++)
                {
                    var (ux, uy) = orientation switch
                    {
                        5 => (y, x),
                        6 => (width - 1 - y, x),
                        7 => (width - 1 - y, height - 1 - x),
                        _ => (y, height - 1 - x),
                    };
                    upright.AsSpan((uy * width + ux) * 4, 4).CopyTo(stored.AsSpan((y * height + x) * 4));
                }
            }
            foreach (var augmentation in new[] { Augmentation.Light, Augmentation.Sequence(Augmentation.Light, Augmentation.Rotation(20)) })
            {
                for (var row = 0; row < 8; row++)
                {
                    var expected = Plan(augmentation, new PixelSource(upright, width, height, blueFirst: false), row);
                    var turned = Plan(augmentation, new PixelSource(stored, height, width, blueFirst: false, orientation), row);
                    // The two directions of the filter are summed in the other order.
                    Assert.IsLessThanOrEqualTo(1, expected.Zip(turned, (a, b) => Math.Abs(a - b)).Max(), $"{orientation}, row {row}");
                }
            }
        }

        byte[] Plan(Augmentation augmentation, PixelSource source, int row)
        {
            var plan = ImagePlan.AtOwnSize(new PixelSize(width, height), s_square);
            var random = new CountedRandom(5, RandomStream.Augmentation, 1, row);
            augmentation.Apply(ref plan, ref random);
            var output = new byte[width * height * 3];
            ImageEncoder.Draw(source, plan, output);
            return output;
        }
    }

    [TestMethod]
    public void ACropOfTheWholeIsThePictureItselfWhateverItsShape()
    {
        var pixels = FormulaPicture.Pixels(61, 47);
        var whole = Draw(Augmentation.RandomResizedCrop(1, 1, 1, 1), pixels, 61, 47, row: 0);

        CollectionAssert.AreEqual(Draw(Augmentation.None, pixels, 61, 47, row: 0).Pixels, whole.Pixels);
        for (var i = 0; i < 61 * 47; i++)
            Assert.IsTrue(pixels.AsSpan(4 * i, 3).SequenceEqual(whole.Pixels.AsSpan(3 * i, 3)), $"pixel {i}");
    }

    [TestMethod]
    public void APaddedCropMovesThePictureByWholePixelsAndFillsTheRest()
    {
        const int width = 61, height = 47;
        var pixels = FormulaPicture.Pixels(width, height);
        var places = new HashSet<(int, int)>();
        for (var row = 0; row < 40; row++)
        {
            var drawn = Draw(Augmentation.RandomCrop(3), pixels, width, height, row).Pixels;
            var (left, top) = Enumerable.Range(-3, 7).SelectMany(x => Enumerable.Range(-3, 7).Select(y => (x, y)))
                .Single(place => Fits(place));
            places.Add((left, top));

            bool Fits((int Left, int Top) at)
            {
                for (var y = 0; y < height; y++)
                {
                    for (var x = 0; x < width; x++)
                    {
                        var (sx, sy) = (x + at.Left, y + at.Top);
                        ReadOnlySpan<byte> expected = sx is >= 0 and < width && sy is >= 0 and < height
                            ? pixels.AsSpan((sy * width + sx) * 4, 3)
                            : [124, 116, 104];
                        if (!expected.SequenceEqual(drawn.AsSpan((y * width + x) * 3, 3)))
                            return false;
                    }
                }
                return true;
            }
        }
        Assert.IsGreaterThan(15, places.Count);
    }

    [TestMethod]
    public void FixedViewsComeAgainAfterTheirNumberOfPasses()
    {
        var pixels = FormulaPicture.Pixels(30, 20);
        var augmentation = Augmentation.FixedViews(Augmentation.Standard, 3);
        string[] passes = [.. Enumerable.Range(1, 7).Select(pass => Draw(augmentation, pixels, 30, 20, row: 2, pass).Text)];

        Assert.HasCount(3, passes.Distinct().ToList());
        CollectionAssert.AreEqual(passes[..3], passes[3..6]);
    }

    [TestMethod]
    public void ALoadersRowsHaveTheirOwnNumbersAndOthersAHash()
    {
        Assert.AreEqual(7UL, RowIds.NumberOf(new DataViewRowId(7, 0)));
        Assert.AreEqual(7, RowIds.OrdinalOf(new DataViewRowId(7, 0)));
        var forked = Enumerable.Range(0, 1000).Select(i => new DataViewRowId((ulong)i, 0).Combine(new DataViewRowId(1, 0))).ToList();
        Assert.HasCount(1000, forked.Select(RowIds.NumberOf).Distinct().ToList());
        Assert.HasCount(1000, forked.Select(RowIds.OrdinalOf).Distinct().ToList());
    }

    private static SeenImage Draw(Augmentation augmentation, byte[] pixels, int width, int height, int row, int pass = 1)
    {
        using var drawn = new PictureAugmenter(augmentation, seed: 5)
            .Draw(new PixelSource(pixels, width, height, blueFirst: false), pass, new DataViewRowId((ulong)row, 0));
        return SeenImages.Copy(0, drawn);
    }
}
