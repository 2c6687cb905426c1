using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Data;

[TestClass]
public sealed class RawPixelsTests
{
    [TestMethod]
    public void SizesAndChoicesOutOfRangeAreRefusedWhereTheyAreSaid()
    {
        Refuses(() => new RawPixels(0, 8, PixelLayout.Planar), "width", "Width");
        Refuses(() => new RawPixels(8, -1, PixelLayout.Planar), "Height");
        Refuses(() => new RawPixels(70_000, 8, PixelLayout.Planar), "65,535");
        Refuses(() => new RawPixels(60_000, 60_000, PixelLayout.Planar), "179,000,000");
        Refuses(() => new RawPixels(8, 8, (PixelLayout)2), "Layout", "Interleaved, Planar");
        Refuses(() => new RawPixels(8, 8, PixelLayout.Planar, (PixelChannels)9), "Channels", "Rgb, Bgr, Gray");
        Refuses(() => new RawPixels(8, 8, PixelLayout.Planar) { White = 0 }, "White");
        Refuses(() => new RawPixels(8, 8, PixelLayout.Planar) { White = float.NaN }, "White");

        static void Refuses(Func<RawPixels> make, params string[] parts)
        {
            var error = Assert.Throws<ArgumentOutOfRangeException>(make);
            Assert.IsTrue(parts.All(part => error.Message.Contains(part, StringComparison.OrdinalIgnoreCase)), error.Message);
        }
    }

    [TestMethod]
    [DataRow(255f, 0, float.NaN, "value 0 is NaN; it must be between 0 and RawPixels.White = 255")]
    [DataRow(255f, 7, 256f, "value 7 is 256; it must be between 0 and RawPixels.White = 255")]
    [DataRow(255f, 7, -1f, "value 7 is -1; it must be between 0 and RawPixels.White = 255")]
    [DataRow(1f, 11, 200f, "value 11 is 200; it must be between 0 and RawPixels.White = 1")]
    [DataRow(255f, 3, 0.5f, "its values reach from 0 to 0.5 only, but RawPixels.White is 255: set White = 1")]
    [DataRow(255f, 3, 1f, null)]
    [DataRow(255f, 3, 255.4f, null)]
    [DataRow(1f, 3, 0.5f, null)]
    public void NumbersThatAreNoPixelsHaveAReason(float white, int index, float value, string? reason)
    {
        var numbers = new float[12];
        numbers[index] = value;
        Assert.AreEqual(reason, Read(new RawPixels(2, 2, PixelLayout.Interleaved) { White = white }, new Numbers { Pixels = numbers }));
    }

    // A view may promise a length that its rows do not keep.
    [TestMethod]
    public void AVectorOfAnotherLengthThanPromisedHasAReason() => Assert.AreEqual(
        "the vector has 9 values; 12 are expected",
        Read(new RawPixels(2, 2, PixelLayout.Interleaved), new Numbers { Pixels = new float[9] }));

    private static string? Read(RawPixels pixels, Numbers row)
    {
        var view = new MLContext().Data.LoadFromEnumerable([row]);
        using var cursor = view.GetRowCursor(view.Schema);
        Assert.IsTrue(cursor.MoveNext());
        return new RawSingleReader(cursor, view.Schema[nameof(Numbers.Pixels)], pixels).Read().Head.Problem;
    }

    private sealed class Numbers
    {
        public float[] Pixels { get; set; } = [];
    }
}
