using System.Text;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Transforms;
using SkiaSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Transforms;

/// <summary>The heat lies where the network looked, in the picture's own geometry.</summary>
[TestClass]
public sealed class HeatPictureTests
{
    private const int Size = 64;
    private const int Cells = 16;

    /// <summary>
    /// A mark is drawn into a picture; what enters the network says in which cell it is; and heat of that cell alone is drawn back: it must
    /// lie over the mark. For wide, high and small pictures, narrow crops, and photos that lie on their side.
    /// </summary>
    [TestMethod]
    [DataRow(300, 120, 1f, 1)]
    [DataRow(300, 120, 0.5f, 1)]
    [DataRow(100, 260, 0.875f, 1)]
    [DataRow(97, 53, 0.7f, 1)]
    [DataRow(40, 40, 1f, 1)]
    [DataRow(300, 120, 0.8f, 2)]
    [DataRow(300, 120, 0.8f, 3)]
    [DataRow(300, 120, 0.8f, 4)]
    [DataRow(300, 120, 0.8f, 5)]
    [DataRow(300, 120, 0.8f, 6)]
    [DataRow(300, 120, 0.8f, 7)]
    [DataRow(300, 120, 0.8f, 8)]
    public void HeatLiesOverWhatTheNetworkSaw(int width, int height, float cropFraction, int orientation)
    {
        var preprocessing = new ImagePreprocessing { Size = Size, CropFraction = cropFraction };
        var encoder = new ImageEncoder(preprocessing);
        var crop = ImagePlan.CenterCrop(width, height, preprocessing);
        foreach (var (across, down) in (ReadOnlySpan<(double, double)>)[(0.22, 0.3), (0.8, 0.15), (0.5, 0.85)])
        {
            var (x, y) = (crop.X + across * crop.Width, crop.Y + down * crop.Height); // of the upright picture
            var side = crop.Width / Cells;
            var jpeg = Jpeg(width, height, orientation, (px, py) => Math.Abs(px + 0.5 - x) < side && Math.Abs(py + 0.5 - y) < side);

            var pixels = new byte[encoder.Length];
            Assert.IsNull(encoder.EncodeBytes(jpeg, Augmentation.None, default, pixels));
            var map = new float[Cells * Cells];
            for (var i = 0; i < Size * Size; i++)
                map[i / Size / (Size / Cells) * Cells + i % Size / (Size / Cells)] += pixels[3 * i]; // as much as there is of the mark
            var hottest = Array.IndexOf(map, map.Max());
            map = new float[map.Length];
            map[hottest] = 1;

            var upright = UprightPicture.Of(new Picture(default, jpeg))!;
            Assert.AreEqual((width, height), (upright.Width, upright.Height));
            HeatPicture.Draw(upright, preprocessing, new Cell(), map, strength: 1);
            var (sumX, sumY, sum) = (0.0, 0.0, 0.0);
            for (var i = 0; i < width * height; i++)
            {
                var light = Math.Max(upright.Pixels[4 * i + 1] - 100, 0); // hot is yellow, cold is black
                (sumX, sumY, sum) = (sumX + light * (i % width + 0.5), sumY + light * (i / width + 0.5), sum + light);
            }
            Assert.AreEqual(x, sumX / sum, side, $"from the left, for {across}, {down}");
            Assert.AreEqual(y, sumY / sum, side, $"from the top, for {across}, {down}");
        }
    }

    [TestMethod]
    public void WhatTheNetworkDidNotSeeIsDarkenedAndNoHeatIsThere()
    {
        var picture = new UprightPicture([.. Enumerable.Repeat((byte)200, 100 * 40 * 4)], 100, 40);
        float[] map = [.. Enumerable.Repeat(1f, Cells * Cells)];

        HeatPicture.Draw(picture, new ImagePreprocessing { Size = Size, CropFraction = 1 }, new Cell(), map, strength: 0.5f);

        byte[] At(int x, int y) => picture.Pixels[((y * 100 + x) * 4)..][..3];
        var dark = (byte)(200 * (1 - 0.5 * 0.75) + 0.5);
        CollectionAssert.AreEqual(new[] { dark, dark, dark }, At(29, 20)); // the crop is 40 of 100 pixels, from 30 to 70
        CollectionAssert.AreEqual(new[] { dark, dark, dark }, At(70, 0));
        CollectionAssert.AreEqual(new byte[] { 226, 228, 182 }, At(30, 0)); // half of it, half of the hottest colour
        CollectionAssert.AreEqual(At(30, 0), At(69, 39));
    }

    [TestMethod]
    public void AMapWithoutDifferencesIsColdAndStrengthZeroChangesNothing()
    {
        byte[] pixels = FormulaPicture.Pixels(50, 30);
        var preprocessing = new ImagePreprocessing { Size = Size };
        var untouched = new UprightPicture([.. pixels], 50, 30);
        HeatPicture.Draw(untouched, preprocessing, new Cell(), new float[Cells * Cells], strength: 0);
        CollectionAssert.AreEqual(pixels, untouched.Pixels);

        var cold = new UprightPicture([.. Enumerable.Repeat((byte)255, 30 * 30 * 4)], 30, 30);
        HeatPicture.Draw(cold, preprocessing with { CropFraction = 1 }, new Cell(), new float[Cells * Cells], strength: 1);
        CollectionAssert.AreEqual(new[] { (byte)166 }, cold.Pixels.Where((_, i) => i % 4 == 0).Distinct().ToArray()); // 35 % of black
    }

    [TestMethod]
    public void UnreadablePicturesHaveNone()
    {
        Assert.IsNull(UprightPicture.Of(new Picture(new PictureHead(Path: "there-is-none.jpg"))));
        Assert.IsNull(UprightPicture.Of(new Picture(new PictureHead(Path: Path.GetTempPath()))));
        Assert.IsNull(UprightPicture.Of(new Picture(default, Encoding.ASCII.GetBytes("no picture"))));
        Assert.IsNull(UprightPicture.Of(Picture.Missing("none")));
        var cut = FormulaPicture.Encode(FormulaPicture.Pixels(64, 48), 64, 48);
        Assert.IsNull(UprightPicture.Of(new Picture(default, cut.AsSpan(0, cut.Length / 2))));
    }

    [TestMethod]
    public void BlueFirstIsReadAsSuch()
    {
        var form = new PixelForm(1, 1, BlueFirst: true);
        CollectionAssert.AreEqual(
            new byte[] { 3, 2, 1, 255 }, UprightPicture.Of(new Picture(new PictureHead(Pixels: form), [1, 2, 3, 0]))!.Pixels);
    }

    // Stored so that a reader must turn it to see the upright picture of this size, with a white mark on black.
    private static byte[] Jpeg(int width, int height, int orientation, Func<int, int, bool> isMark)
    {
        var (storedWidth, storedHeight) = orientation >= 5 ? (height, width) : (width, height);
        var stored = new byte[storedWidth * storedHeight * 4];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                // Exif 2.3, table 6: where the upright pixel is stored.
                var (column, row) = orientation switch
                {
                    2 => (width - 1 - x, y),
                    3 => (width - 1 - x, height - 1 - y),
                    4 => (x, height - 1 - y),
                    5 => (y, x),
                    6 => (y, width - 1 - x),
                    7 => (height - 1 - y, width - 1 - x),
                    8 => (height - 1 - y, x),
                    _ => (x, y),
                };
                var light = isMark(x, y) ? byte.MaxValue : byte.MinValue;
                stored.AsSpan((row * storedWidth + column) * 4, 3).Fill(light);
                stored[(row * storedWidth + column) * 4 + 3] = byte.MaxValue;
            }
        }
        var jpeg = FormulaPicture.Encode(stored, storedWidth, storedHeight, SKEncodedImageFormat.Jpeg);
        byte[] exif = [.. Encoding.ASCII.GetBytes("Exif\0\0MM\0*"), 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte)orientation, 0,
            0, 0, 0, 0, 0];
        return [jpeg[0], jpeg[1], 0xFF, 0xE1, 0, (byte)(exif.Length + 2), .. exif, .. jpeg[2..]];
    }

    private sealed class Cell() : HeatMapMethod(Cells, Cells)
    {
        public override Tensor MapsOf(FineTunedNetwork network, ModelInputs inputs) => throw new NotSupportedException();

        public override (float Cold, float Hot) RangeOf(ReadOnlySpan<float> map) => (0, 1);
    }
}
