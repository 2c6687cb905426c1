using MlNetFineTune.Data;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;
using SkiaSharp;

namespace MlNetFineTune.Tests.Data;

/// <summary>What is decoded for itself is, pixel for pixel, what a decoding of the whole picture gives.</summary>
[TestClass]
public sealed class JpegWindowTests
{
    [TestMethod]
    [DataRow(97, 61, false)]
    [DataRow(640, 480, false)]
    [DataRow(333, 517, true)]
    public void AWindowOfADrawnPictureIsThatOfTheWhole(int width, int height, bool gray)
    {
        using var bitmap = new SKBitmap(width, height, gray ? SKColorType.Gray8 : SKColorType.Rgba8888, SKAlphaType.Opaque);
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
                bitmap.SetPixel(x, y, new SKColor((byte)(x * 7 % 256), (byte)(y * 5 % 256), (byte)(x * y % 256)));
        }
        using var encoded = bitmap.Encode(SKEncodedImageFormat.Jpeg, 90);
        CompareWindows(encoded.ToArray(), seed: width);
    }

    [TestMethod]
    [TestCategory(Categories.Weights)]
    public void AWindowOfARealPhotoIsThatOfTheWhole()
    {
        var photos = Directory.GetFiles(SharedData.RequireOrSkip("data/ants-bees/val/bees"), "*.jpg")
            .Order(StringComparer.Ordinal).ToArray();
        foreach (var (photo, index) in photos.Select((photo, index) => (photo, index)))
            CompareWindows(File.ReadAllBytes(photo), seed: index);
    }

    [TestMethod]
    public void AFileThatIsCutOffIsNotDecodedInPart()
    {
        using var bitmap = new SKBitmap(200, 200);
        bitmap.Erase(SKColors.SeaGreen);
        using var encoded = bitmap.Encode(SKEncodedImageFormat.Jpeg, 90);
        var whole = encoded.ToArray();
        using var codec = SKCodec.Create(encoded);
        Assert.IsTrue(JpegWindow.IsPossible(codec, whole));
        Assert.IsTrue(JpegWindow.IsPossible(codec, (byte[])[.. whole, 1, 2, 3]), "bytes after the end do no harm");
        Assert.IsFalse(JpegWindow.IsPossible(codec, whole.AsSpan(0, whole.Length - 20)));

        // The part that is read is there; the file is refused all the same, in every epoch alike.
        var encoder = new ImageEncoder(new ImagePreprocessing { Size = 32 });
        var reason = encoder.EncodeBytes(whole.AsSpan(0, whole.Length - 20), Augmentation.None, default, new byte[encoder.Length]);
        Assert.AreEqual("it is cut off", reason);
    }

    private static void CompareWindows(byte[] encoded, int seed)
    {
        var random = new CountedRandom(seed, RandomStream.Augmentation, epoch: 0, ordinal: 0);
        foreach (var eighths in new[] { 8, 6, 4, 1 })
        {
            var (whole, info) = Decode(encoded, eighths);
            for (var i = 0; i < 3; i++)
            {
                var (left, top) = (random.NextInt(info.Width), random.NextInt(info.Height));
                var needed = new PixelWindow(left, top, 1 + random.NextInt(info.Width - left), 1 + random.NextInt(info.Height - top));
                var window = JpegWindow.Around(needed, info.Size);
                var pixels = new byte[window.Width * window.Height * 4];
                using var codec = SKCodec.Create(new MemoryStream(encoded));
                Assert.IsTrue(JpegWindow.TryDecode(codec, info, window, pixels));

                var source = new PixelSource(pixels, info.Width, info.Height, blueFirst: false, window: window);
                for (var y = needed.Top; y < needed.Bottom; y++)
                {
                    var expected = whole.AsSpan((y * info.Width + needed.Left) * 4, needed.Width * 4);
                    if (!expected.SequenceEqual(source.Row(y).Slice((needed.Left - window.Left) * 4, needed.Width * 4)))
                        Assert.Fail($"{needed} of {info.Width} x {info.Height} ({eighths}/8, seed {seed}) differs in row {y}.");
                }
            }
        }
    }

    private static (byte[] Pixels, SKImageInfo Info) Decode(byte[] encoded, int eighths)
    {
        using var codec = SKCodec.Create(new MemoryStream(encoded));
        var size = codec.GetScaledDimensions(eighths / 8f);
        var info = new SKImageInfo(size.Width, size.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        Assert.AreEqual(SKCodecResult.Success, codec.GetPixels(info, out var pixels));
        return (pixels, info);
    }
}
