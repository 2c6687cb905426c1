using System.IO.Compression;
using System.Text;
using System.Text.Json;
using MlNetFineTune.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Data;

/// <summary>Every form of file, against what Pillow decodes from the same bytes.</summary>
[TestClass]
public sealed class FileFormatsTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("formats.json");

    public static IEnumerable<object[]> Names => Files.Select(file => new object[] { file.Name });

    internal static IReadOnlyList<(string Name, byte[] File, byte[] Rgb)> Files { get; } =
        [.. s_fixture.GetProperty("pictures").EnumerateArray()
            .Select(
                p => (p.Text("name"), p.GetProperty("file").GetBytesFromBase64(), Unzipped(p.GetProperty("rgb").GetBytesFromBase64())))];

    /// <summary>Formats without loss have one right answer. JPEG's and lossy WebP's decoders may round otherwise.</summary>
    [TestMethod]
    [DynamicData(nameof(Names))]
    public void AFileIsDecodedAsPillowDoes(string name)
    {
        var (_, file, expected) = Files.Single(f => f.Name == name);
        var size = (int)s_fixture.Number("size");
        var encoder = new ImageEncoder(new ImagePreprocessing { Size = size, CropFraction = 1 }); // of its own size: nothing is resampled
        var output = new byte[encoder.Length];

        Assert.IsNull(encoder.EncodeBytes(file, Augmentation.None, default, output));

        Assert.HasCount(output.Length, expected);
        var mean = expected.Zip(output, (a, b) => Math.Abs(a - b)).Average();
        Assert.IsLessThanOrEqualTo(name.StartsWith("jpeg", StringComparison.Ordinal)
            || name == "webp-lossy" ? 2 : 0, mean, "mean difference, of 255");
    }

    [TestMethod]
    public void WhatIsTransparentInAGifIsBlack()
    {
        // A GIF of 1 x 1 whose only pixel is the transparent index.
        byte[] gif = [.. "GIF89a"u8, 1, 0, 1, 0, 0x80, 0, 0, 200, 150, 100, 0, 0, 0, 0x21, 0xF9, 4, 1, 0, 0, 0, 0, 0x2C, 0, 0, 0, 0, 1, 0,
            1, 0, 0, 2, 2, 0x44, 1, 0, 0x3B];
        var encoder = new ImageEncoder(new ImagePreprocessing { Size = 32 });
        var output = new byte[encoder.Length];

        Assert.IsNull(encoder.EncodeBytes(gif, Augmentation.None, default, output));

        Assert.IsTrue(output.All(value => value == 0));
    }

    [TestMethod]
    [DataRow("II*\0", "it is a TIFF; convert it to JPEG or PNG")]
    [DataRow("MM\0*", "it is a TIFF; convert it to JPEG or PNG")]
    [DataRow("\0\0\0\u0018ftypheic", "it is a HEIC; convert it to JPEG or PNG")]
    [DataRow("\0\0\0\u0018ftypmif1", "it is a HEIC; convert it to JPEG or PNG")]
    [DataRow("\0\0\0\u0018ftypavif", "it is an AVIF; convert it to JPEG or PNG")]
    [DataRow("\0\0\0\u0018ftypisom", "it is a video (MP4); take pictures from it")]
    [DataRow("<?xml version=\"1.0\"?>\n<!-- drawn by hand -->\n<svg width=\"5\">", "it is an SVG; convert it to JPEG or PNG")]
    [DataRow("  <SVG>", "it is an SVG; convert it to JPEG or PNG")]
    [DataRow("%PDF-1.7", "it is a PDF; convert it to JPEG or PNG")]
    [DataRow("\u00ff\u000a", "it is a JPEG XL; convert it to JPEG or PNG")]
    [DataRow("\0\0\0\u000cjP  \r\n", "it is a JPEG 2000; convert it to JPEG or PNG")]
    [DataRow("8BPS", "it is a Photoshop file; convert it to JPEG or PNG")]
    [DataRow("\0\0\u0001\0\u0001\0", "it is an icon (ICO); convert it to JPEG or PNG")]
    [DataRow("P6\n2 2\n255\n", "it is a PGM or PPM; convert it to JPEG or PNG")]
    [DataRow("<!doctype html><html>", "it is a web page; it was downloaded instead of the picture")]
    [DataRow("PK\u0003\u0004", "it is a ZIP archive; unpack it")]
    [DataRow("version https://git-lfs.github.com/spec/v1\n", "it is a Git LFS pointer; fetch the picture itself with 'git lfs pull'")]
    [DataRow("\u0089PNG\r\n\u001a\n", "it is a damaged PNG: its header cannot be read")]
    [DataRow("\u00ff\u00d8\u00ff\u00e0", "it is a damaged JPEG: its header cannot be read")]
    [DataRow("GIF89a", "it is a damaged GIF: its header cannot be read")]
    [DataRow("RIFF\u0010\0\0\0WEBP", "it is a damaged WebP: its header cannot be read")]
    [DataRow("BM\u0010\0\0\0\0\0\0\0\u0010\0\0\0", "it is a damaged BMP: its header cannot be read")]
    [DataRow("BMW builds cars.", "it is not a picture in a known format (JPEG, PNG, GIF, BMP, WebP)")]
    [DataRow("a < b > c", "it is not a picture in a known format (JPEG, PNG, GIF, BMP, WebP)")]
    public void WhatCannotBeReadIsCalledByItsName(string beginning, string reason) =>
        Assert.AreEqual(reason, Reason(Encoding.Latin1.GetBytes(beginning)));

    /// <summary>Skia takes what begins with two zero bytes for a WBMP, an icon's pictures for a picture.</summary>
    [TestMethod]
    public void FormatsThatNobodyAskedForAreNotGuessedAt()
    {
        StringAssert.Contains(Reason([0, 0, 8, 8, .. new byte[100]]), "not a picture in a known format");
        var png = Files.Single(file => file.Name == "png-rgb").File;
        StringAssert.Contains(
            Reason([0, 0, 1, 0, 1, 0, 32, 32, 0, 0, 1, 0, 32, 0, .. BitConverter.GetBytes(png.Length), 22, 0, 0, 0, .. png]),
            "an icon (ICO)");
    }

    private static byte[] Unzipped(byte[] compressed)
    {
        using var stream = new MemoryStream();
        using (var zlib = new ZLibStream(new MemoryStream(compressed), CompressionMode.Decompress))
            zlib.CopyTo(stream);
        return stream.ToArray();
    }

    internal static string? Reason(byte[] file)
    {
        var encoder = new ImageEncoder(new ImagePreprocessing { Size = 32 });
        return encoder.EncodeBytes(file, Augmentation.None, default, new byte[encoder.Length]);
    }
}
