using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using MlNetFineTune.Data;
using MlNetFineTune.Tests.Support;
using SkiaSharp;

namespace MlNetFineTune.Tests.Data;

/// <summary>Pictures to bytes, against torchvision's Resize and CenterCrop on PIL images, and against a naive twin.</summary>
[TestClass]
public sealed class ImageEncoderTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("pictures.json");

    public static IEnumerable<object[]> Cases => Enumerable.Range(0, s_fixture.GetProperty("cases").GetArrayLength())
        .Select(index => new object[] { index });

    /// <summary>Pillow rounds to bytes between its two passes; one step of 255 is all that may make.</summary>
    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void TheCentreOfAPictureIsTorchvisionsWithinOneStepOf255(int index) =>
        Compare(s_fixture.GetProperty("cases")[index], largest: 1, mean: 0.35, hard: false);

    /// <summary>At edges from 0 to 255 a cubic filter overshoots, and Pillow clips between its passes, which only we do not.</summary>
    [TestMethod]
    [DataRow(0, 1)]
    [DataRow(1, 6)]
    public void HardEdgesDifferOnlyByWhatPillowClips(int index, int largest) =>
        Compare(s_fixture.GetProperty("hard")[index], largest, mean: 0.6, hard: true);

    private static void Compare(JsonElement expected, int largest, double mean, bool hard)
    {
        var (width, height, size) = ((int)expected.Number("width"), (int)expected.Number("height"), (int)expected.Number("size"));
        var preprocessing = new ImagePreprocessing
        {
            Size = size,
            CropFraction = size / (float)expected.Number("shorter"),
            Interpolation = Enum.Parse<Interpolation>(expected.Text("interpolation"), ignoreCase: true),
        };
        var pixels = FormulaPicture.Pixels(width, height, hard);
        var output = Encode(preprocessing, FormulaPicture.Encode(pixels, width, height));
        var at = expected.GetProperty("at").Numbers().Select(v => (int)v).ToArray();
        var samples = at.SelectMany(y => at.SelectMany(x => Enumerable.Range(0, 3).Select(c => (double)output[(y * size + x) * 3 + c])))
            .ToArray();
        var differences = samples.Zip(expected.GetProperty("samples").Numbers(), (a, b) => Math.Abs(a - b)).ToArray();
        Assert.IsLessThanOrEqualTo(largest, differences.Max(), $"{width} x {height} {preprocessing.Interpolation}: largest difference");
        Assert.IsLessThan(mean, differences.Average(), $"{width} x {height} {preprocessing.Interpolation}: mean difference");
        for (var c = 0; c < 3; c++)
            Assert.AreEqual(expected.GetProperty("mean")[c].GetDouble(), output.Where((_, i) => i % 3 == c).Average(b => b), 0.1,
                $"mean of channel {c}");
    }

    [TestMethod]
    [DataRow(Interpolation.Bilinear, 61, 47)]
    [DataRow(Interpolation.Bicubic, 61, 47)]
    [DataRow(Interpolation.Bilinear, 20, 31)]
    [DataRow(Interpolation.Bicubic, 20, 31)]
    public void AnyRegionIsTheWeightedMeanThatItsDefinitionSays(Interpolation interpolation, int width, int height)
    {
        var pixels = FormulaPicture.Pixels(width, height);
        var plan = new ImagePlan { X = 3.25, Y = 1.5, Width = width - 7.75, Height = height - 4 };
        const int size = 32;
        var output = new byte[size * size * 3];
        Resampler.Resample(new PixelSource(pixels, width, height, blueFirst: false), plan, size, interpolation, output);
        var mirrored = new byte[output.Length];
        Resampler.Resample(new PixelSource(pixels, width, height, blueFirst: true), plan with { Mirrored = true }, size,
            interpolation, mirrored);
        for (var v = 0; v < size; v++)
        {
            for (var u = 0; u < size; u++)
            {
                for (var c = 0; c < 3; c++)
                {
                    var (sum, total) = (0.0, 0.0);
                    for (var y = 0; y < height; y++)
                    {
                        for (var x = 0; x < width; x++)
                        {
                            var weight = Weight(x, u, plan.X, plan.Width / size, interpolation)
                                * Weight(y, v, plan.Y, plan.Height / size, interpolation);
                            sum += weight * pixels[(y * width + x) * 4 + c];
                            total += weight;
                        }
                    }

                    // Rounded once: half a step, and float32 near the halves.
                    Assert.AreEqual(sum / total, output[(v * size + u) * 3 + c], 0.501);
                    Assert.AreEqual(output[(v * size + u) * 3 + c], mirrored[(v * size + size - 1 - u) * 3 + 2 - c],
                        "mirrored, and blue first");
                }
            }
        }
    }

    private static double Weight(int input, int output, double start, double scale, Interpolation interpolation) =>
        Filter((input + 0.5 - start - (output + 0.5) * scale) / Math.Max(scale, 1), interpolation);

    private static double Filter(double x, Interpolation interpolation) => (Math.Abs(x), interpolation) switch
    {
        ( < 1 and var a, Interpolation.Bilinear) => 1 - a,
        ( < 1 and var a, Interpolation.Bicubic) => 1.5 * a * a * a - 2.5 * a * a + 1,
        ( < 2 and var a, Interpolation.Bicubic) => -0.5 * a * a * a + 2.5 * a * a - 4 * a + 2,
        _ => 0,
    };

    [TestMethod]
    public void EveryExifOrientationGivesTheUprightPicture()
    {
        const int width = 300, height = 200;
        var upright = FormulaPicture.Pixels(width, height);
        for (var i = 0; i < upright.Length; i += 4)
            // grey: JPEG halves the resolution of colours, which depends on how the picture lies
            upright[i + 1] = upright[i + 2] = upright[i];
        var preprocessing = new ImagePreprocessing { Size = 224 }; // larger than the picture's shorter side: JPEG is decoded whole
        var expected = new byte[224 * 224 * 3];
        var encoder = new ImageEncoder(preprocessing);
        encoder.EncodePixels(new PixelSource(upright, width, height, blueFirst: false), Augmentation.None, default, expected);
        var expectedCrop = new byte[expected.Length];
        var plan = new ImagePlan { X = 40, Y = 30, Width = 120, Height = 90 };
        Resampler.Resample(new PixelSource(upright, width, height, false), plan with { Mirrored = true }, 224, Interpolation.Bilinear,
            expectedCrop);
        for (var orientation = 1; orientation <= 8; orientation++)
        {
            // EXIF: 1 as is; 2 mirrored; 3 half turn; 4 upside down mirrored; 5 transposed; 6 turned left; 7 transversed; 8 turned right.
            var (storedWidth, storedHeight) = orientation >= 5 ? (height, width) : (width, height);
            var stored = new byte[upright.Length];
            for (var y = 0; y < storedHeight; y++)
            {
                for (var x = 0; x < storedWidth; x++)
                {
                    var (ux, uy) = orientation switch
                    {
                        1 => (x, y),
                        2 => (width - 1 - x, y),
                        3 => (width - 1 - x, height - 1 - y),
                        4 => (x, height - 1 - y),
                        5 => (y, x),
                        6 => (width - 1 - y, x),
                        7 => (width - 1 - y, height - 1 - x),
                        _ => (y, height - 1 - x),
                    };
                    upright.AsSpan((uy * width + ux) * 4, 4).CopyTo(stored.AsSpan((y * storedWidth + x) * 4));
                }
            }

            var turned = new byte[expected.Length];
            Resampler.Resample(new PixelSource(stored, storedWidth, storedHeight, false, orientation), plan with { Mirrored = true }, 224,
                Interpolation.Bilinear, turned);
            Assert.IsLessThanOrEqualTo(1, Largest(expectedCrop, turned), $"orientation {orientation}, pixels");

            // The encoder reads the orientation from the file.
            var jpeg = WithOrientation(FormulaPicture.Encode(stored, storedWidth, storedHeight, SKEncodedImageFormat.Jpeg), orientation);
            Assert.IsLessThan(2, Mean(expected, Encode(preprocessing, jpeg)), $"orientation {orientation}, JPEG");
        }
    }

    [TestMethod]
    public void AJpegDecodedAtAnEighthOfItsSizeLooksLikeTheWholeOne()
    {
        const int width = 1600, height = 1200;
        var pixels = FormulaPicture.Pixels(width, height);
        var jpeg = FormulaPicture.Encode(pixels, width, height, SKEncodedImageFormat.Jpeg, quality: 95);
        using var bitmap = SKBitmap.Decode(jpeg, new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        var preprocessing = new ImagePreprocessing { Size = 96, CropFraction = 1 };
        var whole = new byte[96 * 96 * 3];
        new ImageEncoder(preprocessing)
            .EncodePixels(new PixelSource(bitmap.Bytes, width, height, false), Augmentation.None, default, whole);

        var scaled = Encode(preprocessing, jpeg);
        Assert.IsLessThan(4, Mean(whole, scaled));
    }

    [TestMethod]
    public void FormatsWithAlphaAndLossyCompressionAreRead()
    {
        const int width = 160, height = 120;
        var pixels = FormulaPicture.Pixels(width, height);
        var preprocessing = new ImagePreprocessing { Size = 64 };
        var expected = Encode(preprocessing, FormulaPicture.Encode(pixels, width, height));
        Assert.IsLessThan(
            8, Mean(expected, Encode(preprocessing, FormulaPicture.Encode(pixels, width, height, SKEncodedImageFormat.Jpeg))), "JPEG");
        Assert.IsLessThan(
            8, Mean(expected, Encode(preprocessing, FormulaPicture.Encode(pixels, width, height, SKEncodedImageFormat.Webp))), "WebP");

        for (var i = 3; i < pixels.Length; i += 4)
            pixels[i] = 128;
        Assert.IsLessThanOrEqualTo(2, Largest(expected, Encode(preprocessing, FormulaPicture.Encode(pixels, width, height))),
            "half transparent: colours count, alpha does not, as with PIL's convert");
    }

    [TestMethod]
    public void APictureThatClaimsAnAbsurdSizeIsRefusedBeforeMemoryIsTaken()
    {
        var png = FormulaPicture.Encode(FormulaPicture.Pixels(8, 8), 8, 8);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), 100_000);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), 100_000);
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), Crc32(png.AsSpan(12, 17)));
        var before = GC.GetTotalAllocatedBytes();
        StringAssert.Contains(Reason(png), "100000 x 100000 pixels");
        Assert.IsLessThan(10 << 20, GC.GetTotalAllocatedBytes() - before);
    }

    [TestMethod]
    public void WhatIsNoPictureHasAReasonAndNoException()
    {
        StringAssert.Contains(Reason([]), "not a picture");
        StringAssert.Contains(Reason("hello, world"u8.ToArray()), "not a picture");
        foreach (var format in new[] { SKEncodedImageFormat.Png, SKEncodedImageFormat.Jpeg, SKEncodedImageFormat.Webp })
        {
            var whole = FormulaPicture.Encode(FormulaPicture.Pixels(64, 48), 64, 48, format);
            for (var length = 0; length < whole.Length * 9 / 10; length += 37)
                Assert.IsNotNull(Reason(whole[..length]), $"{format} of {length} bytes");
        }

        var encoder = new ImageEncoder(new ImagePreprocessing());
        Assert.AreEqual("the path is empty", encoder.EncodeFile("", Augmentation.None, default, new byte[encoder.Length]));
        Assert.AreEqual("there is no such file",
            encoder.EncodeFile("/no/such/file.jpg", Augmentation.None, default, new byte[encoder.Length]));
    }

    [TestMethod]
    [DataRow("banana.jpg", null)]
    [DataRow("hotdog.jpg", null)]
    [DataRow("tomato.bmp", null)]
    [DataRow("tomato_indexedpixelformat.gif", null)]
    [DataRow("tomato_format32bppPArgb.jpg", null)]
    [DataRow("taco_invalidpixelformat.jpg", null)]
    [DataRow("empty.jpg", "the file is empty")]
    [DataRow("text.jpg", "it is not a picture in a known format (JPEG, PNG, GIF, BMP, WebP)")]
    [DataRow("truncated.jpg", "it is cut off")]
    public void OddFilesAreReadOrHaveAReason(string name, string? reason)
    {
        var path = SharedData.RequireOrSkip($"data/odd-images/{name}");
        var encoder = new ImageEncoder(new ImagePreprocessing());
        var output = new byte[encoder.Length];
        Assert.AreEqual(reason, encoder.EncodeFile(path, Augmentation.None, default, output));
        if (reason is null)
            Assert.IsGreaterThan(20, output.Distinct().Count());
    }

    private static byte[] Encode(ImagePreprocessing preprocessing, byte[] file)
    {
        var encoder = new ImageEncoder(preprocessing);
        var output = new byte[encoder.Length];
        Assert.IsNull(encoder.EncodeBytes(file, Augmentation.None, default, output));
        return output;
    }

    private static string? Reason(byte[] file)
    {
        var encoder = new ImageEncoder(new ImagePreprocessing());
        return encoder.EncodeBytes(file, Augmentation.None, default, new byte[encoder.Length]);
    }

    private static int Largest(byte[] a, byte[] b) => a.Zip(b, (x, y) => Math.Abs(x - y)).Max();

    private static double Mean(byte[] a, byte[] b) => a.Zip(b, (x, y) => Math.Abs(x - y)).Average();

    // An APP1 segment with one entry, the orientation, after JPEG's first two bytes.
    internal static byte[] WithOrientation(byte[] jpeg, int orientation)
    {
        byte[] exif = [.. Encoding.ASCII.GetBytes("Exif\0\0MM\0*"), 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte)orientation, 0,
            0, 0, 0, 0, 0];
        return [.. jpeg[..2], 0xFF, 0xE1, 0, (byte)(exif.Length + 2), .. exif, .. jpeg[2..]];
    }

    internal static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        var crc = ~0u;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320u);
        }

        return ~crc;
    }
}
