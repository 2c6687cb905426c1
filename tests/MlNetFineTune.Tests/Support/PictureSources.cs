using Microsoft.ML;
using Microsoft.ML.Data;
using SkiaSharp;

namespace MlNetFineTune.Tests.Support;

/// <summary>A row that has its picture in every form at once.</summary>
public sealed class EveryForm
{
    public string Label { get; set; } = "";

    public string ImagePath { get; set; } = "";

    public byte[]? File { get; set; } = [];

    [Microsoft.ML.Transforms.Image.ImageType(48, 48)]
    public MLImage? Image { get; set; }

    [VectorType(48 * 48 * 3)]
    public byte[] Interleaved { get; set; } = [];

    [VectorType(48 * 48 * 3)]
    public byte[] PlanarBgr { get; set; } = [];

    [VectorType(48 * 48 * 3)]
    public float[] Planar { get; set; } = [];

    [VectorType(48 * 48 * 3)]
    public float[] ZeroToOne { get; set; } = [];
}

/// <summary>The same pictures, without loss, from each kind of column.</summary>
internal static class PictureSources
{
    /// <summary>The column and what it takes to read it.</summary>
    public static IReadOnlyList<(string Column, RawPixels? Pixels)> All { get; } =
    [
        (nameof(EveryForm.ImagePath), null),
        (nameof(EveryForm.File), null),
        (nameof(EveryForm.Image), null),
        (nameof(EveryForm.Interleaved), RawPixels.Interleaved(48, 48)),
        (nameof(EveryForm.PlanarBgr), RawPixels.Planar(48, 48, RawPixels.PixelChannels.Bgr)),
        (nameof(EveryForm.Planar), RawPixels.Planar(48, 48)),
        (nameof(EveryForm.ZeroToOne), RawPixels.Interleaved(48, 48, white: 1)),
    ];

    public static IEnumerable<object[]> Names => All.Select(source => new object[] { source.Column });

    public static ImageFineTuningOptions Options(string column) =>
        SmallTraining.Options with { ImageColumnName = column, RawPixels = All.Single(source => source.Column == column).Pixels };

    /// <summary>Rows of PNG pictures, whose pixels are known exactly. The images live as long as the tests: a few kilobytes.</summary>
    public static EveryForm[] Rows(int perClass) =>
        [.. SmallPictures.Take(2 * perClass).Where(photo => photo.ImagePath.EndsWith(".png", StringComparison.Ordinal)).Select(Row)];

    private static EveryForm Row(Photo photo)
    {
        using var bitmap = SKBitmap.Decode(photo.ImagePath);
        Assert.IsTrue(bitmap is { Width: 48, Height: 48 });
        byte[] Channel(Func<SKColor, byte> channel) => [.. bitmap.Pixels.Select(channel)];
        var (red, green, blue) = (Channel(color => color.Red), Channel(color => color.Green), Channel(color => color.Blue));
        byte[] interleaved = [.. bitmap.Pixels.SelectMany(color => (byte[])[color.Red, color.Green, color.Blue])];
        return new EveryForm
        {
            Label = photo.Label,
            ImagePath = photo.ImagePath,
            File = File.ReadAllBytes(photo.ImagePath),
            Image = MLImage.CreateFromFile(photo.ImagePath),
            Interleaved = interleaved,
            PlanarBgr = [.. blue, .. green, .. red],
            Planar = [.. red.Concat(green).Concat(blue).Select(value => (float)value)],
            ZeroToOne = [.. interleaved.Select(value => value / 255f)],
        };
    }
}
