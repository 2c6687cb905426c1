using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Data;

[TestClass]
public sealed class RawPixelsTests
{
    private static readonly JsonSerializerOptions s_json = new() { Converters = { new JsonStringEnumConverter() } };

    [TestMethod]
    public void WhatEarlierModelFilesSayIsReadAndWritten()
    {
        const string Earlier = """{"Width":48,"Height":32,"Layout":"Planar","Channels":"Bgr","White":1}""";

        Assert.AreEqual(
            RawPixels.Planar(48, 32, RawPixels.PixelChannels.Bgr, white: 1), JsonSerializer.Deserialize<RawPixels>(Earlier, s_json));
        Assert.AreEqual(Earlier, JsonSerializer.Serialize(RawPixels.Planar(48, 32, RawPixels.PixelChannels.Bgr, white: 1), s_json));
        Assert.AreEqual(
            "Interleaved(48, 32, Rgb, white: 0.5)", RawPixels.Interleaved(48, 32, white: 0.5f).ToString(),
            "as options say it, without the internal name of the layout");
    }

    [TestMethod]
    public void SizesAndChoicesOutOfRangeAreRefusedWhereTheyAreSaid()
    {
        Refuses(() => RawPixels.Planar(0, 8), "width", "Width");
        Refuses(() => RawPixels.Planar(8, -1), "Height");
        Refuses(() => RawPixels.Planar(70_000, 8), "65,535");
        Refuses(() => RawPixels.Planar(60_000, 60_000), "179,000,000");
        Refuses(() => new RawPixels(8, 8, (RawPixels.PixelLayout)2), "Layout", "Interleaved, Planar");
        Refuses(() => new RawPixels(8, 8, RawPixels.PixelLayout.Planar, (RawPixels.PixelChannels)9), "Channels", "Rgb, Bgr, Gray");
        Refuses(() => RawPixels.Planar(8, 8, white: 0), "White");
        Refuses(() => RawPixels.Planar(8, 8, white: float.NaN), "White");

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
        Assert.AreEqual(
            reason, Read(RawPixels.Interleaved(2, 2, white: white), new Numbers { Pixels = numbers }));
    }

    // A view may promise a length that its rows do not keep.
    [TestMethod]
    public void AVectorOfAnotherLengthThanPromisedHasAReason() => Assert.AreEqual(
        "the vector has 9 values; 12 are expected", Read(
            RawPixels.Interleaved(2, 2), new Numbers { Pixels = new float[9] }));

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
