using System.Security.Cryptography;
using System.Text.Json;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Data;

/// <summary>Colour operations against torchvision's on PIL images: every byte, alone and in sequences, where tables are combined.</summary>
[TestClass]
public sealed class ColorParityTests
{
    private static readonly JsonElement s_fixture = Fixture.Read("augmentations.json");

    public static IEnumerable<object[]> Cases => Enumerable.Range(0, s_fixture.GetProperty("colors").GetArrayLength())
        .Select(index => new object[] { index });

    public static IEnumerable<object[]> Blurs => Enumerable.Range(0, s_fixture.GetProperty("blurs").GetArrayLength())
        .Select(index => new object[] { index });

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void EveryByteIsTorchvisions(int index)
    {
        var expected = s_fixture.GetProperty("colors")[index];
        var names = expected.GetProperty("operations").EnumerateArray().Select(name => name.GetString()!).ToArray();
        var values = expected.GetProperty("values").Numbers();
        var size = (int)s_fixture.Number("size");
        var output = Drawn.Square(size, (ref plan) =>
        {
            for (var i = 0; i < names.Length; i++)
                plan.Add(FilterOf(names[i]), values[i]);
        }, expected.GetProperty("hard").GetBoolean());

        var what = string.Join(", ", names.Zip(values, (name, value) => $"{name} {value}"));
        Fixture.AreClose(expected.GetProperty("samples").Numbers(), Samples(output, size, "color_at"), 0, what);
        Assert.AreEqual(expected.Text("sha256"), Convert.ToHexStringLower(SHA256.HashData(output)), what);
    }

    /// <summary>Sums of float32 in another order: a value near a half may round to the other side.</summary>
    [TestMethod]
    [DynamicData(nameof(Blurs))]
    public void BlurIsTorchvisionsUpToRounding(int index)
    {
        var expected = s_fixture.GetProperty("blurs")[index];
        var size = (int)s_fixture.Number("size");
        var blur = new GaussianBlur((int)expected.Number("kernel"), (float)expected.Number("sigma"), (float)expected.Number("sigma"));
        var output = Drawn.Square(size, (ref plan) =>
        {
            var random = new CountedRandom(1, RandomStream.Augmentation, 1, 1);
            blur.Apply(ref plan, ref random);
        }, hard: true);
        var differences = Samples(output, size, "at").Zip(expected.GetProperty("samples").Numbers(), (a, b) => Math.Abs(a - b)).ToArray();
        Assert.IsLessThanOrEqualTo(1, differences.Max());
        Assert.IsLessThan(0.01, differences.Average());
    }

    [TestMethod]
    public void AnEvenPictureHasNothingToStretchAndIsLeftAlone()
    {
        Span<byte> pixels = new byte[32 * 32 * 3];
        pixels.Fill(77);
        foreach (var filter in new PixelFilter[] { ColorTables.AutoContrast, ColorTables.Equalize })
        {
            var operations = PixelOperations.Rent();
            operations.Add(new(filter));
            operations.Finish(pixels, 32, new ImagePreprocessing { Size = 32 });
            Assert.AreEqual(-1, pixels.IndexOfAnyExcept((byte)77));
        }
    }

    private static double[] Samples(byte[] output, int size, string at)
    {
        var places = s_fixture.GetProperty(at).Numbers().Select(v => (int)v).ToArray();
        return [
            .. places.SelectMany(y => places.SelectMany(x => Enumerable.Range(0, 3).Select(c => (double)output[(y * size + x) * 3 + c])))];
    }

    private static PixelFilter FilterOf(string name) => name switch
    {
        "Brightness" => ColorTables.Brightness,
        "Contrast" => ColorTables.Contrast,
        "Saturation" or "Grayscale" => ColorFilters.Saturation,
        "Hue" => ColorFilters.Hue,
        "Sharpness" => NeighborFilters.Sharpness,
        "Posterize" => ColorTables.Posterize,
        "Solarize" => ColorTables.Solarize,
        "AutoContrast" => ColorTables.AutoContrast,
        "Equalize" => ColorTables.Equalize,
        "Invert" => ColorTables.Invert,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, null),
    };
}
